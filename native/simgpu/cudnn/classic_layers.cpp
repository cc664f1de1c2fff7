// Batch norm of the API before graphs.
#include <algorithm>

#include "../math/layers.h"
#include "classic.h"

namespace simgpu::cudnn {
namespace {

bool is_packed_nhwc(const Tensor& t) {
    const std::vector<std::int64_t> packed = {t.dims[1] * t.dims[2] * t.dims[3], 1, t.dims[1] * t.dims[3], t.dims[1]};
    for (std::size_t i = 0; i < 4; ++i) {
        if (t.dims[i] != 1 && t.strides[i] != packed[i]) {
            return false;
        }
    }
    return true;
}

constexpr int kOnlyNorm = 0, kNormActivation = 1, kNormAddActivation = 2;  // cudnnBatchNormOps_t

std::size_t workspace_bytes(const Tensor& x) {
    return static_cast<std::size_t>(x.dims[1]) * 32;
}

/// One bit for each element: the ReLU mask.
std::size_t reserve_bytes(int operations, const Tensor& x) {
    return operations == kOnlyNorm ? 0 : static_cast<std::size_t>((x.elements() + 31) / 32 * 4);
}

Status check_norm(int mode, int operations, const TensorDescriptor* x, const ActivationDescriptor* activation) {
    if (!Registry<TensorDescriptor>::has(x) || x->tensor.dims.empty() || operations < 0 || operations > 2) {
        return fail(kBadParam, "no tensor is described, or operations %d", operations);
    }
    if (mode != 1 && mode != 2) {
        return fail(kNotSupported, "batch norm mode %d is not simulated", mode);
    }
    if (operations != kOnlyNorm) {
        if (!Registry<ActivationDescriptor>::has(activation) || activation->mode != 1) {
            return fail(kBadParam, "the activation must be RELU");
        }
        // Documentation of cudnnBatchNormalizationForwardTrainingEx: activations need NHWC, SPATIAL_PERSISTENT and
        // HALF; an added tensor needs channels in multiples of four.
        if (mode != 2 || !is_packed_nhwc(x->tensor) || x->tensor.type != DataType::float16) {
            return fail(kNotSupported, "activations need mode SPATIAL_PERSISTENT and packed NHWC tensors in HALF");
        }
        if (operations == kNormAddActivation && x->tensor.dims[1] % 4 != 0) {
            return fail(kNotSupported, "%lld channels are no multiple of 4", static_cast<long long>(x->tensor.dims[1]));
        }
    }
    return kSuccess;
}

}  // namespace

SIM_EXPORT int cudnnGetBatchNormalizationForwardTrainingExWorkspaceSize(Handle* handle, int mode, int operations,
                                                                        TensorDescriptor* x, TensorDescriptor*,
                                                                        TensorDescriptor*, TensorDescriptor*,
                                                                        ActivationDescriptor* activation,
                                                                        std::size_t* bytes) {
    SIM_CALL(int, cudnnGetBatchNormalizationForwardTrainingExWorkspaceSize)
    if (!is_live(handle) || bytes == nullptr) {
        return fail(kBadParam, "no live handle, or no result was asked for");
    }
    if (const Status bad = check_norm(mode, operations, x, activation)) {
        return bad;
    }
    *bytes = workspace_bytes(x->tensor);
    return kSuccess;
}

SIM_EXPORT int cudnnGetBatchNormalizationTrainingExReserveSpaceSize(Handle* handle, int mode, int operations,
                                                                    ActivationDescriptor* activation,
                                                                    TensorDescriptor* x, std::size_t* bytes) {
    SIM_CALL(int, cudnnGetBatchNormalizationTrainingExReserveSpaceSize)
    if (!is_live(handle) || bytes == nullptr) {
        return fail(kBadParam, "no live handle, or no result was asked for");
    }
    if (const Status bad = check_norm(mode, operations, x, activation)) {
        return bad;
    }
    *bytes = reserve_bytes(operations, x->tensor);
    return kSuccess;
}

SIM_EXPORT int cudnnBatchNormalizationForwardTrainingEx(
    Handle* handle, int mode, int operations, const void* alpha, const void* beta, TensorDescriptor* x_descriptor,
    const void* x, TensorDescriptor* z_descriptor, const void* z, TensorDescriptor* y_descriptor, void* y,
    TensorDescriptor* parameter_descriptor, const void* scale, const void* bias, double factor, void* running_mean,
    void* running_variance, double epsilon, void* saved_mean, void* saved_inverse, ActivationDescriptor* activation,
    void* workspace, std::size_t workspace_given, void* reserve, std::size_t reserve_given) {
    SIM_CALL(int, cudnnBatchNormalizationForwardTrainingEx)
    float a = 1, b = 0;
    if (const Status bad = check_norm(mode, operations, x_descriptor, activation)) {
        return bad;
    }
    if (!Registry<TensorDescriptor>::has(y_descriptor) || !Registry<TensorDescriptor>::has(parameter_descriptor) ||
        !read_scalars(alpha, beta, a, b) || a != 1 || b != 0 || epsilon < 0 ||
        (running_mean == nullptr) != (running_variance == nullptr) ||
        (saved_mean == nullptr) != (saved_inverse == nullptr)) {
        return fail(kBadParam, "descriptors, scalars, or pairs of statistics are not given");
    }
    const Tensor from = x_descriptor->tensor, to = y_descriptor->tensor, vector = parameter_descriptor->tensor;
    if (to.text() != from.text() || vector.dims != std::vector<std::int64_t>{1, from.dims[1], 1, 1} ||
        vector.type != DataType::float32) {
        return fail(kBadParam, "x %s, y %s, parameters %s", from.text().c_str(), to.text().c_str(), vector.text().c_str());
    }
    const std::size_t needed = workspace_bytes(from), kept = reserve_bytes(operations, from);
    if (workspace_given < needed || reserve_given < kept) {
        return fail(kBadParam, "workspace %zu of %zu bytes, reserve %zu of %zu", workspace_given, needed, reserve_given,
                    kept);
    }
    const Tensor workspace_tensor{0, DataType::int8, {static_cast<std::int64_t>(needed)}, {1}};
    const Tensor reserve_tensor{0, DataType::int8, {static_cast<std::int64_t>(kept)}, {1}};
    std::vector<Operand> operands = {{&from, x, "x"}, {&to, y, "y"}, {&vector, scale, "scale"}, {&vector, bias, "bias"},
                                     {&workspace_tensor, workspace, "workspace"}};
    const auto also = [&](const Tensor& tensor, const void* pointer, const char* name) {
        if (pointer != nullptr) {
            operands.push_back({&tensor, pointer, name});
        }
    };
    also(vector, running_mean, "running mean");
    also(vector, running_variance, "running variance");
    also(vector, saved_mean, "saved mean");
    also(vector, saved_inverse, "saved inverse deviation");
    const bool added = operations == kNormAddActivation;
    if (added) {
        if (!Registry<TensorDescriptor>::has(z_descriptor) || z_descriptor->tensor.text() != from.text()) {
            return fail(kBadParam, "z has not the shape of x");
        }
        operands.push_back({&from, z, "z"});
    }
    if (kept > 0) {
        operands.push_back({&reserve_tensor, reserve, "reserve"});
    }
    return enqueue_checked(handle, "cudnnBatchNormalizationForwardTrainingEx", operands, [=] {
        poison(workspace, needed);
        const std::int64_t channels = from.dims[1], rows = from.elements() / channels;
        const Values in = load(from, const_cast<void*>(x));
        Values mean = take_values(channels), inverse = take_values(channels), out = take_values(from.elements());
        channel_statistics(rows, channels, in.data, mean.data, inverse.data);
        const auto rate = static_cast<float>(factor);
        for (std::int64_t c = 0; c < channels; ++c) {
            if (running_mean != nullptr) {
                auto* means = static_cast<float*>(running_mean);
                auto* variances = static_cast<float*>(running_variance);
                const float unbiased =
                    rows > 1 ? inverse.data[c] * static_cast<float>(rows) / static_cast<float>(rows - 1) : inverse.data[c];
                means[c] = (1 - rate) * means[c] + rate * mean.data[c];
                variances[c] = (1 - rate) * variances[c] + rate * unbiased;
            }
            inverse.data[c] = 1.0f / std::sqrt(inverse.data[c] + static_cast<float>(epsilon));
        }
        if (saved_mean != nullptr) {
            store(vector, mean, saved_mean);
            store(vector, inverse, saved_inverse);
        }
        normalize(rows, channels, in.data, mean.data, inverse.data, static_cast<const float*>(scale),
                  static_cast<const float*>(bias), out.data);
        if (added) {
            const Values addend = load(from, const_cast<void*>(z));
            for (std::int64_t i = 0; i < from.elements(); ++i) {
                out.data[i] += addend.data[i];
            }
        }
        if (operations != kOnlyNorm) {
            std::memset(reserve, 0, kept);
            auto* mask = static_cast<unsigned char*>(reserve);
            for (std::int64_t i = 0; i < from.elements(); ++i) {
                if (out.data[i] < 0) {
                    out.data[i] = 0;
                } else if (out.data[i] > 0) {
                    mask[i / 8] = static_cast<unsigned char>(mask[i / 8] | 1u << (i % 8));
                }
            }
        }
        store(to, out, y);
    });
}

}  // namespace simgpu::cudnn
