#pragma once

#include "tile/tile.h"

namespace crn::tile {

// Rounds filters to bf16 and lays them into the panels of tile.h. `filter` is [k][taps][c], or, where it is read backward,
// [c][taps][k] with the taps in reverse: the filter of the convolution whose dgrad is wanted. c and k are multiples of 32.
void pack_panels(const float* filter, int64_t k, int64_t taps, int64_t c, bool backward, int64_t threads, void* packed);

}  // namespace crn::tile
