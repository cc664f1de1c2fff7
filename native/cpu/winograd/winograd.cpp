#include "winograd/winograd.h"

using namespace crn::winograd;

void crn_winograd_pack(const crn_winograd_problem* problem, const float* filter, int32_t backward, float* packed) {
    const auto pack = problem->features & CRN_AVX512 ? pack_avx512 : pack_avx2;
    pack(*problem, filter, backward != 0, packed);
}

void crn_winograd_run(const crn_winograd_problem* problem, const void* x, const float* packed, const float* bias,
                      const void* other, int32_t relu, void* y, void* workspace) {
    const auto run = problem->features & CRN_AVX512 ? run_avx512 : run_avx2;
    run(*problem, {x, packed, bias, other, relu != 0, y, workspace});
}
