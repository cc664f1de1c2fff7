#include "tile/amx.h"
#include "direct/kernels.h"

namespace crn::direct {

void run_amx(const crn_direct_problem& p, const Operands& at) { Direct(p, at).run(); }

}  // namespace crn::direct
