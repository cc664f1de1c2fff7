// Convolutions of the API before graphs.
#include <algorithm>

#include "../math/convolution.h"
#include "classic.h"

namespace simgpu::cudnn {
namespace {

enum Direction { forward, dgrad, wgrad };

struct AlgorithmRow {
    int algorithm;
    bool deterministic;
    bool tensor_core;
    int workspace_filters;  // workspace in multiples of the filter in FLOAT
};

/// Algorithms by direction, in the order in which they are recommended.
const std::vector<AlgorithmRow>& algorithms(Direction direction) {
    static const std::vector<AlgorithmRow> tables[] = {
        {{1, true, true, 1}, {0, true, false, 0}, {2, true, false, 2}},
        {{1, true, true, 1}, {0, false, false, 0}},
        {{1, true, true, 1}, {0, false, false, 0}, {3, false, true, 2}},
    };
    return tables[direction];
}

struct Problem {
    Tensor x, w, y;
    ConvolutionDescriptor convolution;
    ConvolutionShape shape;
};

Status make_problem(const Tensor& x, const Tensor& w, const Tensor& y, const ConvolutionDescriptor* descriptor,
                    Problem& problem) {
    if (!Registry<ConvolutionDescriptor>::has(descriptor) || descriptor->stride_h == 0 || x.dims.empty() ||
        w.dims.empty() || y.dims.empty()) {
        return fail(kBadParam, "a descriptor is not set");
    }
    const ConvolutionDescriptor& c = *descriptor;
    const std::int64_t p = (x.dims[2] + 2 * c.pad_h - c.dilation_h * (w.dims[2] - 1) - 1) / c.stride_h + 1;
    const std::int64_t q = (x.dims[3] + 2 * c.pad_w - c.dilation_w * (w.dims[3] - 1) - 1) / c.stride_w + 1;
    if (x.dims[1] != w.dims[1] || y.dims != std::vector<std::int64_t>{x.dims[0], w.dims[0], p, q}) {
        return fail(kBadParam, "x %s, w %s, y %s do not fit", x.text().c_str(), w.text().c_str(), y.text().c_str());
    }
    if (x.type != w.type || x.type != y.type || c.compute != DataType::float32) {
        return fail(kNotSupported, "x %s, w %s, y %s, sums in %s", type_name(x.type), type_name(w.type),
                    type_name(y.type), type_name(c.compute));
    }
    problem = {x, w, y, c,
               {x.dims[0], x.dims[1], x.dims[2], x.dims[3], w.dims[0], w.dims[2], w.dims[3], p, q, c.stride_h,
                c.stride_w, c.pad_h, c.pad_w, c.dilation_h, c.dilation_w, 1, c.mode == 0}};
    return kSuccess;
}

std::size_t workspace_bytes(const AlgorithmRow& row, const Tensor& w) {
    return static_cast<std::size_t>(row.workspace_filters * w.elements() * 4);
}

struct Performance {  // cudnnConvolution*AlgoPerf_t, 48 bytes
    int algorithm;
    int status;
    float milliseconds;
    std::size_t memory;
    int determinism;
    int math;
    int reserved[3];
};
static_assert(sizeof(Performance) == 48);

Status recommend(Handle* handle, Direction direction, const Problem& problem, int requested, int* returned,
                 Performance* results) {
    if (!is_live(handle) || requested < 1 || returned == nullptr || results == nullptr) {
        return fail(kBadParam, "no live handle, or no result was asked for");
    }
    *returned = 0;
    if (settings().heuristics == Settings::Heuristics::nothing) {
        return kSuccess;
    }
    for (const AlgorithmRow& row : algorithms(direction)) {
        if (*returned == requested) {
            break;
        }
        Performance& result = results[(*returned)++];
        std::memset(&result, 0, sizeof result);
        result.algorithm = settings().heuristics == Settings::Heuristics::garbage ? 77 : row.algorithm;
        result.milliseconds = -1;
        result.memory = workspace_bytes(row, problem.w);
        result.determinism = row.deterministic;
        result.math = problem.convolution.math;
    }
    return kSuccess;
}

/// FLOAT goes through TF32 unless the math type forbids it.
Values operand(const Problem& problem, const AlgorithmRow& row, const Tensor& tensor, const void* memory) {
    Values values = load(tensor, const_cast<void*>(memory));
    constexpr int fma = 3;
    if (tensor.type == DataType::float32 && row.tensor_core && problem.convolution.math != fma) {
        Values rounded = take_values(tensor.elements());
        std::transform(values.data, values.data + tensor.elements(), rounded.data, round_tf32);
        return rounded;
    }
    return values;
}

Status convolve(Handle* handle, Direction direction, const Problem& problem, int algorithm, const void* first,
                const void* second, void* result, void* workspace, std::size_t bytes, const void* alpha,
                const void* beta) {
    float a = 1, b = 0;
    if (!read_scalars(alpha, beta, a, b)) {
        return fail(kBadParam, "alpha or beta is null");
    }
    const auto& rows = algorithms(direction);
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const AlgorithmRow& r) { return r.algorithm == algorithm; });
    if (row == rows.end()) {
        return fail(kNotSupported, "algorithm %d is not simulated for this problem", algorithm);
    }
    const std::size_t needed = workspace_bytes(*row, problem.w);
    if (needed > bytes) {
        return fail(kBadParam, "a workspace of %zu bytes, algorithm %d needs %zu", bytes, algorithm, needed);
    }
    const Tensor& first_tensor = direction == dgrad ? problem.w : problem.x;
    const Tensor& second_tensor = direction == forward ? problem.w : problem.y;
    const Tensor& result_tensor = direction == forward ? problem.y : direction == dgrad ? problem.x : problem.w;
    const Tensor workspace_tensor{0, DataType::int8, {static_cast<std::int64_t>(needed)}, {1}};
    std::vector<Operand> operands = {{&first_tensor, first, "first operand"},
                                     {&second_tensor, second, "second operand"},
                                     {&result_tensor, result, "result"}};
    if (needed > 0) {
        operands.push_back({&workspace_tensor, workspace, "workspace"});
    }
    const char* names[] = {"cudnnConvolutionForward", "cudnnConvolutionBackwardData", "cudnnConvolutionBackwardFilter"};
    return enqueue_checked(handle, names[direction], operands, [=, chosen = *row] {
        if (needed > 0) {
            poison(workspace, needed);
        }
        const Tensor& one = direction == dgrad ? problem.w : problem.x;
        const Tensor& two = direction == forward ? problem.w : problem.y;
        const Tensor& out = direction == forward ? problem.y : direction == dgrad ? problem.x : problem.w;
        const Values left = operand(problem, chosen, one, first);
        const Values right = operand(problem, chosen, two, second);
        Values values = take_values(out.elements());
        if (direction == forward) {
            convolution_forward(problem.shape, left.data, right.data, values.data);
        } else if (direction == dgrad) {
            convolution_dgrad(problem.shape, right.data, left.data, values.data);
        } else {
            convolution_wgrad(problem.shape, left.data, right.data, values.data,
                              chosen.deterministic ? 0 : scheduler_random()() | 1);
        }
        blend(out, values, result, a, b);
    });
}

}  // namespace

#define CLASSIC_PROBLEM(problem, x, w, y, convolution)                                                          \
    if (!Registry<TensorDescriptor>::has(x) || !Registry<FilterDescriptor>::has(w) ||                           \
        !Registry<TensorDescriptor>::has(y)) {                                                                  \
        return fail(kBadParam, "a tensor or filter descriptor is not alive");                                   \
    }                                                                                                           \
    Problem problem;                                                                                            \
    if (const Status bad = make_problem((x)->tensor, (w)->tensor, (y)->tensor, convolution, problem)) {         \
        return bad;                                                                                             \
    }

SIM_EXPORT int cudnnGetConvolutionForwardAlgorithm_v7(Handle* handle, TensorDescriptor* x, FilterDescriptor* w,
                                                      ConvolutionDescriptor* convolution, TensorDescriptor* y,
                                                      int requested, int* returned, Performance* results) {
    SIM_CALL(int, cudnnGetConvolutionForwardAlgorithm_v7)
    CLASSIC_PROBLEM(problem, x, w, y, convolution)
    return recommend(handle, forward, problem, requested, returned, results);
}

SIM_EXPORT int cudnnGetConvolutionBackwardDataAlgorithm_v7(Handle* handle, FilterDescriptor* w, TensorDescriptor* dy,
                                                           ConvolutionDescriptor* convolution, TensorDescriptor* dx,
                                                           int requested, int* returned, Performance* results) {
    SIM_CALL(int, cudnnGetConvolutionBackwardDataAlgorithm_v7)
    CLASSIC_PROBLEM(problem, dx, w, dy, convolution)
    return recommend(handle, dgrad, problem, requested, returned, results);
}

SIM_EXPORT int cudnnGetConvolutionBackwardFilterAlgorithm_v7(Handle* handle, TensorDescriptor* x, TensorDescriptor* dy,
                                                             ConvolutionDescriptor* convolution, FilterDescriptor* dw,
                                                             int requested, int* returned, Performance* results) {
    SIM_CALL(int, cudnnGetConvolutionBackwardFilterAlgorithm_v7)
    CLASSIC_PROBLEM(problem, x, dw, dy, convolution)
    return recommend(handle, wgrad, problem, requested, returned, results);
}

SIM_EXPORT int cudnnConvolutionForward(Handle* handle, const void* alpha, TensorDescriptor* x_descriptor, const void* x,
                                       FilterDescriptor* w_descriptor, const void* w, ConvolutionDescriptor* convolution,
                                       int algorithm, void* workspace, std::size_t bytes, const void* beta,
                                       TensorDescriptor* y_descriptor, void* y) {
    SIM_CALL(int, cudnnConvolutionForward)
    CLASSIC_PROBLEM(problem, x_descriptor, w_descriptor, y_descriptor, convolution)
    return convolve(handle, forward, problem, algorithm, x, w, y, workspace, bytes, alpha, beta);
}

SIM_EXPORT int cudnnConvolutionBackwardData(Handle* handle, const void* alpha, FilterDescriptor* w_descriptor,
                                            const void* w, TensorDescriptor* dy_descriptor, const void* dy,
                                            ConvolutionDescriptor* convolution, int algorithm, void* workspace,
                                            std::size_t bytes, const void* beta, TensorDescriptor* dx_descriptor,
                                            void* dx) {
    SIM_CALL(int, cudnnConvolutionBackwardData)
    CLASSIC_PROBLEM(problem, dx_descriptor, w_descriptor, dy_descriptor, convolution)
    return convolve(handle, dgrad, problem, algorithm, w, dy, dx, workspace, bytes, alpha, beta);
}

SIM_EXPORT int cudnnConvolutionBackwardFilter(Handle* handle, const void* alpha, TensorDescriptor* x_descriptor,
                                              const void* x, TensorDescriptor* dy_descriptor, const void* dy,
                                              ConvolutionDescriptor* convolution, int algorithm, void* workspace,
                                              std::size_t bytes, const void* beta, FilterDescriptor* dw_descriptor,
                                              void* dw) {
    SIM_CALL(int, cudnnConvolutionBackwardFilter)
    CLASSIC_PROBLEM(problem, x_descriptor, dw_descriptor, dy_descriptor, convolution)
    return convolve(handle, wgrad, problem, algorithm, x, dy, dw, workspace, bytes, alpha, beta);
}

}  // namespace simgpu::cudnn
