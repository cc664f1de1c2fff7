// Ranges for profilers, of which none is here: only their nesting is watched.
#include <cstring>

#include "../core/call.h"

using namespace simgpu;

namespace {

thread_local int depth = 0;

}  // namespace

SIM_EXPORT int nvtxRangePushA(const char* message) {
    SIM_RELEASE(nvtxRangePushA)
    if (message == nullptr || std::strlen(message) == 0) {
        complain("a range without a name");
    }
    return sim_call.after(depth++);
}

SIM_EXPORT int nvtxRangePop() {
    SIM_RELEASE(nvtxRangePop)
    if (depth == 0) {
        complain("no range is open on this thread");
        return -1;
    }
    return sim_call.after(--depth);
}
