#include "classic.h"

namespace simgpu::cudnn {

Status enqueue_checked(Handle* handle, const char* name, const std::vector<Operand>& operands,
                       std::function<void()> work) {
    if (!is_live(handle)) {
        return fail(kBadParam, "%p is no live handle", static_cast<void*>(handle));
    }
    struct Held {
        Tensor tensor;
        const void* pointer;
        std::string name;
    };
    std::vector<Held> held;
    for (const Operand& operand : operands) {
        const std::string wrong = check_access(operand.pointer, static_cast<std::size_t>(operand.tensor->bytes()),
                                               std::max<std::size_t>(1, element_bytes(operand.tensor->type)));
        if (!wrong.empty()) {
            return fail(kBadParam, "%s: %s", operand.name, wrong.c_str());
        }
        held.push_back({*operand.tensor, operand.pointer, operand.name});
    }
    Stream* stream = resolve_stream(handle->stream);
    if (stream == nullptr) {
        return fail(kBadParam, "the stream of the handle is not alive");
    }
    const int status = enqueue(stream, name, [held = std::move(held), work = std::move(work)] {
        for (const Held& operand : held) {
            const std::string wrong = check_access(operand.pointer, static_cast<std::size_t>(operand.tensor.bytes()));
            if (!wrong.empty()) {
                throw DeviceFault{kIllegalAddress, operand.name + ": " + wrong};
            }
        }
        work();
    });
    return status == 0 ? kSuccess : fail(kExecutionFailedDriver, "the driver answers %d", status);
}

bool read_scalars(const void* alpha, const void* beta, float& a, float& b) {
    if (alpha == nullptr || beta == nullptr) {
        return false;
    }
    std::memcpy(&a, alpha, sizeof a);
    std::memcpy(&b, beta, sizeof b);
    return true;
}

void blend(const Tensor& tensor, Values& values, void* to, float alpha, float beta) {
    if (alpha != 1 || beta != 0) {
        Values before;
        if (beta != 0) {
            before = load(tensor, to);
        }
        for (std::int64_t i = 0; i < tensor.elements(); ++i) {
            values.data[i] = alpha * values.data[i] + (beta == 0 ? 0.0f : beta * before.data[i]);
        }
    }
    store(tensor, values, to);
}

static bool known(int type) {
    return type == 0 || type == 2 || type == 9;
}

SIM_EXPORT int cudnnCreateTensorDescriptor(TensorDescriptor** result) {
    SIM_CALL(int, cudnnCreateTensorDescriptor)
    return Registry<TensorDescriptor>::create(result, "cudnn.tensor");
}

SIM_EXPORT int cudnnDestroyTensorDescriptor(TensorDescriptor* descriptor) {
    SIM_RELEASE(cudnnDestroyTensorDescriptor)
    return sim_call.after(Registry<TensorDescriptor>::destroy(descriptor, "cudnn.tensor"));
}

SIM_EXPORT int cudnnSetTensor4dDescriptorEx(TensorDescriptor* descriptor, int type, int n, int c, int h, int w,
                                            int n_stride, int c_stride, int h_stride, int w_stride) {
    SIM_CALL(int, cudnnSetTensor4dDescriptorEx)
    if (!Registry<TensorDescriptor>::has(descriptor) || n < 1 || c < 1 || h < 1 || w < 1 || n_stride < 1 ||
        c_stride < 1 || h_stride < 1 || w_stride < 1) {
        return fail(kBadParam, "%d x %d x %d x %d with strides %d, %d, %d, %d", n, c, h, w, n_stride, c_stride,
                    h_stride, w_stride);
    }
    if (!known(type)) {
        return fail(kNotSupported, "data type %d is not simulated", type);
    }
    descriptor->tensor = Tensor{0, static_cast<DataType>(type), {n, c, h, w}, {n_stride, c_stride, h_stride, w_stride}};
    return kSuccess;
}

SIM_EXPORT int cudnnCreateFilterDescriptor(FilterDescriptor** result) {
    SIM_CALL(int, cudnnCreateFilterDescriptor)
    return Registry<FilterDescriptor>::create(result, "cudnn.filter");
}

SIM_EXPORT int cudnnDestroyFilterDescriptor(FilterDescriptor* descriptor) {
    SIM_RELEASE(cudnnDestroyFilterDescriptor)
    return sim_call.after(Registry<FilterDescriptor>::destroy(descriptor, "cudnn.filter"));
}

SIM_EXPORT int cudnnSetFilter4dDescriptor(FilterDescriptor* descriptor, int type, int format, int k, int c, int h, int w) {
    SIM_CALL(int, cudnnSetFilter4dDescriptor)
    if (!Registry<FilterDescriptor>::has(descriptor) || k < 1 || c < 1 || h < 1 || w < 1) {
        return fail(kBadParam, "a filter of %d x %d x %d x %d", k, c, h, w);
    }
    if (!known(type) || (format != 0 && format != 1)) {
        return fail(kNotSupported, "data type %d in format %d is not simulated", type, format);
    }
    const std::int64_t area = std::int64_t{h} * w;
    descriptor->tensor = Tensor{0, static_cast<DataType>(type), {k, c, h, w},
                                format == 1 ? std::vector<std::int64_t>{area * c, 1, std::int64_t{w} * c, c}
                                            : std::vector<std::int64_t>{area * c, area, w, 1}};
    return kSuccess;
}

SIM_EXPORT int cudnnCreateConvolutionDescriptor(ConvolutionDescriptor** result) {
    SIM_CALL(int, cudnnCreateConvolutionDescriptor)
    return Registry<ConvolutionDescriptor>::create(result, "cudnn.convolution");
}

SIM_EXPORT int cudnnDestroyConvolutionDescriptor(ConvolutionDescriptor* descriptor) {
    SIM_RELEASE(cudnnDestroyConvolutionDescriptor)
    return sim_call.after(Registry<ConvolutionDescriptor>::destroy(descriptor, "cudnn.convolution"));
}

SIM_EXPORT int cudnnSetConvolution2dDescriptor(ConvolutionDescriptor* descriptor, int pad_h, int pad_w, int stride_h,
                                               int stride_w, int dilation_h, int dilation_w, int mode, int compute) {
    SIM_CALL(int, cudnnSetConvolution2dDescriptor)
    if (!Registry<ConvolutionDescriptor>::has(descriptor) || pad_h < 0 || pad_w < 0 || stride_h < 1 || stride_w < 1 ||
        dilation_h < 1 || dilation_w < 1 || mode < 0 || mode > 1) {
        return fail(kBadParam, "padding %d, %d, stride %d, %d, dilation %d, %d, mode %d", pad_h, pad_w, stride_h,
                    stride_w, dilation_h, dilation_w, mode);
    }
    *descriptor = {pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w, mode, static_cast<DataType>(compute), 0};
    return kSuccess;
}

SIM_EXPORT int cudnnSetConvolutionMathType(ConvolutionDescriptor* descriptor, int math) {
    SIM_CALL(int, cudnnSetConvolutionMathType)
    if (!Registry<ConvolutionDescriptor>::has(descriptor) || math < 0 || math > 3) {
        return fail(kBadParam, "math type %d", math);
    }
    descriptor->math = math;
    return kSuccess;
}

SIM_EXPORT int cudnnCreateActivationDescriptor(ActivationDescriptor** result) {
    SIM_CALL(int, cudnnCreateActivationDescriptor)
    return Registry<ActivationDescriptor>::create(result, "cudnn.activation");
}

SIM_EXPORT int cudnnDestroyActivationDescriptor(ActivationDescriptor* descriptor) {
    SIM_RELEASE(cudnnDestroyActivationDescriptor)
    return sim_call.after(Registry<ActivationDescriptor>::destroy(descriptor, "cudnn.activation"));
}

SIM_EXPORT int cudnnSetActivationDescriptor(ActivationDescriptor* descriptor, int mode, int nan, double) {
    SIM_CALL(int, cudnnSetActivationDescriptor)
    if (!Registry<ActivationDescriptor>::has(descriptor) || nan < 0 || nan > 1) {
        return fail(kBadParam, "activation %d, NaN mode %d", mode, nan);
    }
    if (mode != 1 && mode != 5) {
        return fail(kNotSupported, "activation %d is not simulated, only RELU and IDENTITY", mode);
    }
    descriptor->mode = mode;
    return kSuccess;
}

}  // namespace simgpu::cudnn
