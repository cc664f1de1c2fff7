// Division and multiples, rounded up. Static, since translation units are compiled for different instruction sets.
#pragma once

#include <stdint.h>

namespace crn {

static inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

}  // namespace crn
