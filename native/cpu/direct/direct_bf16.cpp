#include "tile/bf16.h"
#include "direct/kernels.h"

namespace crn::direct {

void run_bf16(const crn_direct_problem& p, const crn_direct_operands& at, char* workspace) {
    Direct(p, at, workspace).run();
}

}  // namespace crn::direct
