// Tensors as dense floats: four dimensions as N, H, W, C, others in their own order.
#pragma once

#include <memory>

#include "operations.h"

namespace simgpu::cudnn {

struct Values {
    std::shared_ptr<float> owned;  // null where the floats lie in device memory
    float* data = nullptr;
};

Values take_values(std::int64_t count);
Values load(const Tensor& tensor, void* memory);
void store(const Tensor& tensor, const Values& values, void* memory);
void round_values(DataType type, float* values, std::int64_t count);

/// Dimensions in the order of the values.
std::vector<std::int64_t> dense_dims(const Tensor& tensor);

}  // namespace simgpu::cudnn
