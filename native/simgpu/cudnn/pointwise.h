// Pointwise operations and reductions with broadcasting, on dense values.
#pragma once

#include "operations.h"

namespace simgpu::cudnn {

/// `b` is dy for activations' backward, `t` the choice of a select; null where the mode takes none.
void pointwise(const Operation& op, const float* x, const float* b, const float* t, float* y);

/// mode: cudnnReduceTensorOp_t. Sums are kept in double.
void reduce(const Tensor& from, const Tensor& to, int mode, const float* x, float* y);

}  // namespace simgpu::cudnn
