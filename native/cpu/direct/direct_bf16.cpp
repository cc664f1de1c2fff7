#include "tile/bf16.h"
#include "direct/kernels.h"

namespace crn::direct {

void run_bf16(const crn_direct_problem& p, const Operands& at) { Direct(p, at).run(); }

}  // namespace crn::direct
