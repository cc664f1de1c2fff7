// Descriptors of the API before graphs.
#pragma once

#include <cmath>

#include "../core/call.h"
#include "../core/memory.h"
#include "handle.h"
#include "operations.h"
#include "values.h"

namespace simgpu::cudnn {

struct TensorDescriptor {
    Tensor tensor;  // no dimensions until it is set
};

struct FilterDescriptor {
    Tensor tensor;
};

struct ConvolutionDescriptor {
    int pad_h = 0, pad_w = 0, stride_h = 0, stride_w = 0, dilation_h = 1, dilation_w = 1;
    int mode = 1;
    DataType compute = DataType::float32;
    int math = 0;
};

struct ActivationDescriptor {
    int mode = -1;
};

/// Live objects of one kind.
template <typename T>
struct Registry {
    static std::map<const void*, std::unique_ptr<T>>& all() {
        static auto* objects = new std::map<const void*, std::unique_ptr<T>>;
        return *objects;
    }
    static Status create(T** result, const char* kind) {
        auto made = std::make_unique<T>();
        *result = made.get();
        all()[made.get()] = std::move(made);
        count_live(kind, 1);
        return kSuccess;
    }
    static Status destroy(T* object, const char* kind) {
        if (all().erase(object) == 0) {
            return fail(kBadParam, "%p is no live %s", static_cast<void*>(object), kind);
        }
        count_live(kind, -1);
        return kSuccess;
    }
    static bool has(const T* object) { return all().count(object) != 0; }
};

/// Device memory that a call reads or writes.
struct Operand {
    const Tensor* tensor;
    const void* pointer;
    const char* name;
};

/// Checks the operands now, and again when the work runs.
Status enqueue_checked(Handle* handle, const char* name, const std::vector<Operand>& operands,
                       std::function<void()> work);

/// alpha and beta as the calls take them: host floats. False where they are null.
bool read_scalars(const void* alpha, const void* beta, float& a, float& b);

/// to = alpha * values + beta * to
void blend(const Tensor& tensor, Values& values, void* to, float alpha, float beta);

}  // namespace simgpu::cudnn
