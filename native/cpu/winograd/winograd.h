// One entry for each instruction set.
#pragma once

#include "cudnnresnet_cpu.h"

namespace crn::winograd {

void pack_avx512(const crn_winograd_problem& p, const float* filter, bool backward, float* packed);
void pack_avx2(const crn_winograd_problem& p, const float* filter, bool backward, float* packed);

// x, other and y are float32 or bf16, as the problem says.
struct Operands {
    const void* x;
    const float* packed;
    const float* bias;
    const void* other;
    bool relu;
    void* y;
    void* workspace;
};

void run_avx512(const crn_winograd_problem& p, const Operands& operands);
void run_avx2(const crn_winograd_problem& p, const Operands& operands);

}  // namespace crn::winograd
