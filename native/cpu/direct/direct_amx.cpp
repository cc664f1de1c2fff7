#include "tile/amx.h"
#include "direct/kernels.h"

namespace crn::direct {

void run_amx(const crn_direct_problem& p, const crn_direct_operands& at, char* workspace) {
    Direct(p, at, workspace).run();
}

}  // namespace crn::direct
