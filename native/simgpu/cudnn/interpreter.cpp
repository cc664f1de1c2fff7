#include "interpreter.h"

#include <algorithm>
#include <cmath>

#include "../core/streams.h"
#include "../math/convolution.h"
#include "../math/gemm.h"
#include "../math/layers.h"
#include "pointwise.h"

namespace simgpu::cudnn {
namespace {

class Evaluation {
public:
    Evaluation(const EngineConfig& config, const std::map<std::int64_t, void*>& memory)
        : config_(config), memory_(memory) {}

    void run() {
        for (const OperationPtr& op : config_.graph->operations) {
            evaluate(*op);
        }
        // Results are written when all has been read: an output may lie where an input lay.
        for (const auto& [uid, tensor] : config_.graph->tensors) {
            if (!tensor->is_virtual && config_.graph->produces(tensor)) {
                store(*tensor, values_.at(uid), memory_.at(uid));
            }
        }
    }

private:
    float* in(const Operation& op, int attribute) {
        const TensorPtr tensor = op.tensor(attribute);
        if (tensor == nullptr) {
            return nullptr;
        }
        auto& held = values_[tensor->uid];
        if (held.data == nullptr) {
            held = load(*tensor, memory_.at(tensor->uid));
        }
        return held.data;
    }

    float* out(const Operation& op, int attribute) {
        const TensorPtr tensor = op.tensor(attribute);
        if (tensor == nullptr) {
            return nullptr;
        }
        auto& held = values_[tensor->uid];
        held = take_values(tensor->elements());
        return held.data;
    }

    /// An operand of a convolution as the engine reads it.
    float* multiplied(const Operation& op, int attribute) {
        float* values = in(op, attribute);
        if (!config_.rounds_to_tf32()) {
            return values;
        }
        const std::int64_t count = op.tensor(attribute)->elements();
        rounded_.push_back(take_values(count));
        std::transform(values, values + count, rounded_.back().data, round_tf32);
        return rounded_.back().data;
    }

    void evaluate(const Operation& op) {
        switch (op.type) {
            case kConvolutionForward: case kConvolutionDgrad: case kConvolutionWgrad: convolve(op); break;
            case kMatmulOperation: multiply(op); break;
            case kPointwiseOperation: apply_pointwise(op); break;
            case kReductionOperation: reduce_operation(op); break;
            case kGenStats: statistics(op); break;
            case kBnFinalize: finalize_statistics(op); break;
            case kBnBwdWeights: norm_weights(op); break;
            case kNormForward: norm_forward(op); break;
            case kNormBackward: norm_backward(op); break;
            default: resample(op); break;
        }
        for (int attribute : op.outputs) {
            const TensorPtr tensor = op.tensor(attribute);
            round_values(tensor->type, values_.at(tensor->uid).data, tensor->elements());
        }
    }

    void convolve(const Operation& op) {
        const bool forward = op.type == kConvolutionForward;
        const bool dgrad = op.type == kConvolutionDgrad;
        const int x = forward ? 704 : dgrad ? 710 : 716;
        const int w = forward ? 703 : dgrad ? 709 : 715;
        const int y = forward ? 705 : dgrad ? 711 : 717;
        const auto& xd = op.tensor(x)->dims;
        const auto& wd = op.tensor(w)->dims;
        const auto& yd = op.tensor(y)->dims;
        const ConvolutionParameters& c = op.convolution;
        const ConvolutionShape shape{xd[0], xd[1], xd[2], xd[3], wd[0], wd[2], wd[3], yd[2], yd[3],
                                     c.strides[0], c.strides[1], c.pre_paddings[0], c.pre_paddings[1],
                                     c.dilations[0], c.dilations[1], xd[1] / wd[1], c.flipped};
        const int target = op.outputs.front();
        Values before;
        if (op.beta != 0) {
            before = load(*op.tensor(target), memory_.at(op.tensor(target)->uid));
        }
        if (forward) {
            const float* xs = multiplied(op, x);
            const float* ws = multiplied(op, w);
            convolution_forward(shape, xs, ws, out(op, y));
        } else if (dgrad) {
            const float* dys = multiplied(op, y);
            const float* ws = multiplied(op, w);
            convolution_dgrad(shape, dys, ws, out(op, x));
        } else {
            const float* xs = multiplied(op, x);
            const float* dys = multiplied(op, y);
            // Atomic sums come in another order each time.
            const std::uint64_t order = config_.engine->nondeterministic ? scheduler_random()() | 1 : 0;
            convolution_wgrad(shape, xs, dys, out(op, w), order);
        }
        if (op.alpha != 1 || op.beta != 0) {
            float* result = values_.at(op.tensor(target)->uid).data;
            for (std::int64_t i = 0; i < op.tensor(target)->elements(); ++i) {
                result[i] = op.alpha * result[i] + (op.beta == 0 ? 0.0f : op.beta * before.data[i]);
            }
        }
    }

    void multiply(const Operation& op) {
        const auto& a = op.tensor(1520)->dims;
        const auto& b = op.tensor(1521)->dims;
        const float* left = multiplied(op, 1520);
        const float* right = multiplied(op, 1521);
        float* result = out(op, 1522);
        for (std::int64_t i = 0; i < a[0]; ++i) {
            gemm(a[1], b[2], a[2], {left + i * a[1] * a[2], a[2], 1},
                 {right + (b[0] == 1 ? 0 : i) * b[1] * b[2], b[2], 1}, result + i * a[1] * b[2], b[2], false);
        }
    }

    void apply_pointwise(const Operation& op) {
        const float* x = in(op, 751);
        const float* b = in(op, op.mode == kReluBackward ? 757 : 752);
        const float* t = in(op, 758);
        pointwise(op, x, b, t, out(op, op.outputs.front()));
    }

    void reduce_operation(const Operation& op) {
        const float* x = in(op, 1610);
        reduce(*op.tensor(1610), *op.tensor(1611), op.mode, x, out(op, 1611));
    }

    static std::int64_t rows(const Tensor& tensor) { return tensor.elements() / tensor.dims[1]; }

    void statistics(const Operation& op) {
        const float* x = in(op, 772);
        float* sum = out(op, 773);
        channel_sums(rows(*op.tensor(772)), op.tensor(772)->dims[1], x, sum, out(op, 774));
    }

    void finalize_statistics(const Operation& op) {
        const std::int64_t channels = op.tensor(782)->elements();
        const float *sum = in(op, 782), *squares = in(op, 783), *scale = in(op, 784), *bias = in(op, 785);
        const float *previous_mean = in(op, 786), *previous_variance = in(op, 787);
        const float count = in(op, 794)[0];
        const float epsilon = in(op, 795)[0];
        const float factor = op.tensor(796) == nullptr ? 1.0f : in(op, 796)[0];
        float *mean_to = out(op, 788), *variance_to = out(op, 789), *saved_mean = out(op, 790);
        float *saved_deviation = out(op, 791), *eq_scale = out(op, 792), *eq_bias = out(op, 793);
        for (std::int64_t c = 0; c < channels; ++c) {
            const float mean = sum[c] / count;
            // The cancellation of E[x^2] - E[x]^2 in float is part of what this operation is.
            const float variance = std::max(0.0f, squares[c] / count - mean * mean);
            const float inverse = 1.0f / std::sqrt(variance + epsilon);
            const float unbiased = count > 1 ? variance * count / (count - 1) : variance;
            const auto put = [c](float* to, float value) {
                if (to != nullptr) {
                    to[c] = value;
                }
            };
            put(mean_to, previous_mean == nullptr ? mean : (1 - factor) * previous_mean[c] + factor * mean);
            put(variance_to,
                previous_variance == nullptr ? unbiased : (1 - factor) * previous_variance[c] + factor * unbiased);
            put(saved_mean, mean);
            put(saved_deviation, inverse);
            put(eq_scale, scale[c] * inverse);
            put(eq_bias, bias[c] - mean * scale[c] * inverse);
        }
    }

    void norm_weights(const Operation& op) {
        const Tensor& x_tensor = *op.tensor(1624);
        const std::int64_t channels = x_tensor.dims[1];
        const float *mean = in(op, 1621), *inverse = in(op, 1622), *scale = in(op, 1623);
        const float *x = in(op, 1624), *dy = in(op, 1625);
        float *dscale = out(op, 1626), *dbias = out(op, 1627);
        float *dy_factor = out(op, 1628), *x_factor = out(op, 1629), *constant = out(op, 1630);
        norm_weight_gradients(rows(x_tensor), channels, x, dy, mean, inverse, dscale, dbias);
        const auto count = static_cast<float>(rows(x_tensor));
        for (std::int64_t c = 0; c < channels; ++c) {
            // dx = A dy + B x + C
            dy_factor[c] = scale[c] * inverse[c];
            x_factor[c] = -dy_factor[c] * inverse[c] * dscale[c] / count;
            constant[c] = -dy_factor[c] * dbias[c] / count - x_factor[c] * mean[c];
        }
    }

    void norm_forward(const Operation& op) {
        const Tensor& x_tensor = *op.tensor(2002);
        const std::int64_t channels = x_tensor.dims[1], count = rows(x_tensor);
        const float *x = in(op, 2002), *scale = in(op, 2005), *bias = in(op, 2006);
        if (op.phase == 0) {
            const float *mean = in(op, 2003), *inverse = in(op, 2004);
            normalize(count, channels, x, mean, inverse, scale, bias, out(op, 2013));
            return;
        }
        const float epsilon = in(op, 2007)[0];
        const float *running_mean = in(op, 2009), *running_variance = in(op, 2010);
        const float factor = running_mean == nullptr ? 0.0f : in(op, 2008)[0];
        float *mean = out(op, 2003), *inverse = out(op, 2004);
        channel_statistics(count, channels, x, mean, inverse);
        if (running_mean != nullptr) {
            float *mean_to = out(op, 2011), *variance_to = out(op, 2012);
            const float unbias = count > 1 ? static_cast<float>(count) / static_cast<float>(count - 1) : 1.0f;
            for (std::int64_t c = 0; c < channels; ++c) {
                mean_to[c] = (1 - factor) * running_mean[c] + factor * mean[c];
                variance_to[c] = (1 - factor) * running_variance[c] + factor * inverse[c] * unbias;
            }
        }
        for (std::int64_t c = 0; c < channels; ++c) {
            inverse[c] = 1.0f / std::sqrt(inverse[c] + epsilon);
        }
        normalize(count, channels, x, mean, inverse, scale, bias, out(op, 2013));
    }

    void norm_backward(const Operation& op) {
        const Tensor& x_tensor = *op.tensor(2101);
        const std::int64_t channels = x_tensor.dims[1], count = rows(x_tensor);
        const float *x = in(op, 2101), *mean = in(op, 2102), *inverse = in(op, 2103);
        const float *dy = in(op, 2104), *scale = in(op, 2105);
        float *dscale = out(op, 2107), *dbias = out(op, 2108);
        norm_weight_gradients(count, channels, x, dy, mean, inverse, dscale, dbias);
        norm_input_gradient(count, channels, x, dy, mean, inverse, scale, dscale, dbias, out(op, 2109));
    }

    void resample(const Operation& op) {
        const bool forward = op.type == kResampleForward;
        const auto& xd = op.tensor(forward ? 1710 : 1720)->dims;
        const auto& yd = op.tensor(forward ? 1711 : 1721)->dims;
        const ResampleParameters& r = op.resample;
        using Kind = PoolingShape::Kind;
        const PoolingShape shape{xd[0], xd[1], xd[2], xd[3], yd[2], yd[3], r.window[0], r.window[1],
                                 r.strides[0], r.strides[1], r.pre_paddings[0], r.pre_paddings[1],
                                 r.mode == 3       ? Kind::maximum
                                     : r.mode == 2 ? Kind::average_with_padding
                                                   : Kind::average_without_padding};
        if (forward) {
            const float* x = in(op, 1710);
            float* index = out(op, 1712);
            pooling_forward(shape, x, out(op, 1711), index);
        } else {
            const float *dy = in(op, 1721), *index = in(op, 1722), *x = in(op, 1726);
            pooling_backward(shape, x, dy, index, out(op, 1720));
        }
    }

    const EngineConfig& config_;
    const std::map<std::int64_t, void*>& memory_;
    std::map<std::int64_t, Values> values_;
    std::vector<Values> rounded_;
};

}  // namespace

void interpret(const EngineConfig& config, const std::map<std::int64_t, void*>& memory) {
    Evaluation(config, memory).run();
}

}  // namespace simgpu::cudnn
