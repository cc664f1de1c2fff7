// The compiler's own headers leave vectors undefined on purpose.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include "tile/amx.h"
#include "bottleneck/kernels.h"

namespace crn::bottleneck {

void run_amx(const crn_bottleneck_problem& p, const Operands& operands) {
    const Blocking cut(p);
    Bottleneck{p, cut, operands}.run();
}

}  // namespace crn::bottleneck
