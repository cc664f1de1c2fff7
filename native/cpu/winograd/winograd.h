// One entry for each instruction set.
#pragma once

#include "cudnnresnet_cpu.h"

namespace crn::winograd {

void pack_avx512(const crn_winograd_problem& p, const float* filter, bool backward, float* packed);
void pack_avx2(const crn_winograd_problem& p, const float* filter, bool backward, float* packed);

void run_avx512(const crn_winograd_problem& p, const float* x, const float* packed, const float* bias, const float* other,
                bool relu, float* y, void* workspace);
void run_avx2(const crn_winograd_problem& p, const float* x, const float* packed, const float* bias, const float* other,
              bool relu, float* y, void* workspace);

}  // namespace crn::winograd
