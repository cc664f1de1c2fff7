#include "vector/avx2.h"
#include "winograd/kernels.h"
#include "winograd/winograd.h"

namespace crn::winograd {

void pack_avx2(const crn_winograd_problem& p, const float* filter, bool backward, float* packed) {
    p.tile == 2 ? pack<Tile2>(p, filter, backward, packed) : pack<Tile4>(p, filter, backward, packed);
}

void run_avx2(const crn_winograd_problem& p, const Operands& operands) {
    p.tile == 2 ? run<Tile2>(p, operands) : run<Tile4>(p, operands);
}

}  // namespace crn::winograd
