#include "vector/avx512.h"
#include "winograd/kernels.h"
#include "winograd/winograd.h"

namespace crn::winograd {

void pack_avx512(const crn_winograd_problem& p, const float* filter, bool backward, float* packed) {
    p.tile == 2 ? pack<Tile2>(p, filter, backward, packed) : pack<Tile4>(p, filter, backward, packed);
}

void run_avx512(const crn_winograd_problem& p, const float* x, const float* packed, const float* bias, const float* other,
    bool relu, float* y, void* workspace) {
    const Epilogue epilogue{bias, other, relu, y};
    p.tile == 2 ? run<Tile2>(p, x, packed, epilogue, workspace) : run<Tile4>(p, x, packed, epilogue, workspace);
}

}  // namespace crn::winograd
