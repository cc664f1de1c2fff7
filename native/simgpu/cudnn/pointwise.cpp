#include "pointwise.h"

#include <algorithm>
#include <cmath>

#include "values.h"

namespace simgpu::cudnn {
namespace {

/// How an operand moves when the output moves by one along each dense dimension: 0 where it is broadcast.
std::vector<std::int64_t> steps(const Tensor* operand, const Tensor& full) {
    std::vector<std::int64_t> result(full.dims.size(), 0);
    if (operand == nullptr) {
        return result;
    }
    const auto dims = dense_dims(*operand);
    std::int64_t step = 1;
    for (std::size_t i = dims.size(); i-- > 0;) {
        result[i] = dims[i] == 1 ? 0 : step;
        step *= dims[i];
    }
    return result;
}

/// Calls visit(index of the first output of a row, offsets of the operands there) for each row of the last dimension.
template <std::size_t count, typename Visit>
void for_each_row(const Tensor& full, const std::vector<std::int64_t> (&moves)[count], Visit visit) {
    const auto dims = dense_dims(full);
    const std::size_t last = dims.size() - 1;
    const std::int64_t rows = full.elements() / dims[last];
    std::vector<std::int64_t> at(dims.size(), 0);
    std::int64_t offsets[count] = {};
    for (std::int64_t row = 0; row < rows; ++row) {
        visit(row * dims[last], offsets);
        for (std::size_t i = last; i-- > 0;) {
            ++at[i];
            for (std::size_t o = 0; o < count; ++o) {
                offsets[o] += moves[o][i];
            }
            if (at[i] < dims[i]) {
                break;
            }
            for (std::size_t o = 0; o < count; ++o) {
                offsets[o] -= at[i] * moves[o][i];
            }
            at[i] = 0;
        }
    }
}

template <typename Apply>
void apply(const Operation& op, const float* x, const float* b, float* y, Apply operation) {
    const Tensor& full = *op.tensor(op.outputs.front());
    const TensorPtr second = op.tensor(op.mode == kReluBackward ? 757 : 752);
    const std::vector<std::int64_t> moves[2] = {steps(op.tensor(751).get(), full), steps(second.get(), full)};
    const std::int64_t length = dense_dims(full).back();
    const std::int64_t x_step = moves[0].back();
    const std::int64_t b_step = moves[1].back();
    static const float nothing = 0;
    const float* other = b == nullptr ? &nothing : b;
    for_each_row(full, moves, [&](std::int64_t to, const std::int64_t* offsets) {
        const float* xs = x + offsets[0];
        const float* bs = other + offsets[1];
        float* ys = y + to;
        if (x_step == 1 && b_step == 1) {
            for (std::int64_t i = 0; i < length; ++i) {
                ys[i] = operation(xs[i], bs[i]);
            }
        } else {
            for (std::int64_t i = 0; i < length; ++i) {
                ys[i] = operation(xs[i * x_step], bs[i * b_step]);
            }
        }
    });
}

}  // namespace

void pointwise(const Operation& op, const float* x, const float* b, const float* t, float* y) {
    const float alpha = op.alpha;
    const float beta = op.beta;
    const auto low = static_cast<float>(op.lower_clip);
    const auto high = static_cast<float>(op.upper_clip);
    const auto slope = static_cast<float>(op.lower_slope);
    switch (op.mode) {
        case kAdd: apply(op, x, b, y, [=](float u, float v) { return alpha * u + beta * v; }); break;
        case kSub: apply(op, x, b, y, [=](float u, float v) { return alpha * u - beta * v; }); break;
        case kMul: apply(op, x, b, y, [=](float u, float v) { return alpha * u * (beta * v); }); break;
        case kDiv: apply(op, x, b, y, [=](float u, float v) { return alpha * u / (beta * v); }); break;
        case kAddSquare: apply(op, x, b, y, [=](float u, float v) { return alpha * u + beta * v * v; }); break;
        case kMin: apply(op, x, b, y, [](float u, float v) { return std::min(u, v); }); break;
        case kMax: apply(op, x, b, y, [](float u, float v) { return std::max(u, v); }); break;
        case kSqrt: apply(op, x, b, y, [](float u, float) { return std::sqrt(u); }); break;
        case kRsqrt: apply(op, x, b, y, [](float u, float) { return 1 / std::sqrt(u); }); break;
        case kReciprocal: apply(op, x, b, y, [](float u, float) { return 1 / u; }); break;
        case kAbs: apply(op, x, b, y, [](float u, float) { return std::fabs(u); }); break;
        case kNeg: apply(op, x, b, y, [](float u, float) { return -u; }); break;
        case kExp: apply(op, x, b, y, [](float u, float) { return std::exp(u); }); break;
        case kLog: apply(op, x, b, y, [](float u, float) { return std::log(u); }); break;
        case kIdentity: apply(op, x, b, y, [=](float u, float) { return alpha * u; }); break;
        case kTanhForward: apply(op, x, b, y, [](float u, float) { return std::tanh(u); }); break;
        case kSigmoidForward: apply(op, x, b, y, [](float u, float) { return 1 / (1 + std::exp(-u)); }); break;
        // NaN stays NaN, so that poisoned memory is not hidden.
        case kReluForward:
            apply(op, x, b, y, [=](float u, float) { return u < low ? low + slope * (u - low) : u > high ? high : u; });
            break;
        case kReluBackward:
            apply(op, x, b, y, [=](float u, float dv) {
                return u != u ? u : u > low && u < high ? dv : slope * dv;
            });
            break;
        case kCompareEqual: apply(op, x, b, y, [](float u, float v) { return u == v ? 1.0f : 0.0f; }); break;
        case kCompareNotEqual: apply(op, x, b, y, [](float u, float v) { return u != v ? 1.0f : 0.0f; }); break;
        case kCompareGreater: apply(op, x, b, y, [](float u, float v) { return u > v ? 1.0f : 0.0f; }); break;
        case kCompareGreaterEqual: apply(op, x, b, y, [](float u, float v) { return u >= v ? 1.0f : 0.0f; }); break;
        case kCompareLess: apply(op, x, b, y, [](float u, float v) { return u < v ? 1.0f : 0.0f; }); break;
        case kCompareLessEqual: apply(op, x, b, y, [](float u, float v) { return u <= v ? 1.0f : 0.0f; }); break;
        default: {  // BINARY_SELECT
            const Tensor& full = *op.tensor(753);
            const std::vector<std::int64_t> moves[3] = {steps(op.tensor(751).get(), full),
                                                        steps(op.tensor(752).get(), full),
                                                        steps(op.tensor(758).get(), full)};
            const std::int64_t length = dense_dims(full).back();
            for_each_row(full, moves, [&](std::int64_t to, const std::int64_t* offsets) {
                for (std::int64_t i = 0; i < length; ++i) {
                    y[to + i] = t[offsets[2] + i * moves[2].back()] != 0 ? x[offsets[0] + i * moves[0].back()]
                                                                        : b[offsets[1] + i * moves[1].back()];
                }
            });
        }
    }
}

void reduce(const Tensor& from, const Tensor& to, int mode, const float* x, float* y) {
    const std::vector<std::int64_t> moves[1] = {steps(&to, from)};
    const std::int64_t length = dense_dims(from).back();
    const std::int64_t step = moves[0].back();
    constexpr int minimum = 2, maximum = 3, average = 5;
    std::vector<double> sums(static_cast<std::size_t>(to.elements()),
                             mode == minimum ? HUGE_VAL : mode == maximum ? -HUGE_VAL : 0.0);
    for_each_row(from, moves, [&](std::int64_t first, const std::int64_t* offsets) {
        double* into = sums.data() + offsets[0];
        for (std::int64_t i = 0; i < length; ++i) {
            const double value = x[first + i];
            double& sum = into[i * step];
            sum = mode == minimum ? std::min(sum, value) : mode == maximum ? std::max(sum, value) : sum + value;
        }
    });
    const double factor = mode == average ? static_cast<double>(to.elements()) / static_cast<double>(from.elements()) : 1.0;
    for (std::size_t i = 0; i < sums.size(); ++i) {
        y[i] = static_cast<float>(sums[i] * factor);
    }
}

}  // namespace simgpu::cudnn
