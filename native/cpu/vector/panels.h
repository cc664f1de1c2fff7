// Filters in float32 as products of matrices read them: panels of two vectors of output channels.
#pragma once

#include <stdint.h>

#include "vector/rounding.h"

namespace crn {

constexpr int64_t kLanes = 16;
constexpr int64_t kPanel = 32;  // output channels of a panel of packed filters; the last one may have 16

// Floats between the filters that are multiplied and those that are fetched.
constexpr int64_t kAhead = 512;

constexpr unsigned kAllLanes = 0xffff;

// The lanes of a block of 16 channels that a tensor of so many channels has, as a mask.
static inline unsigned lanes_of(int64_t channels, int64_t block) {
    const int64_t rest = channels - block * kLanes;
    return rest >= kLanes ? kAllLanes : (1u << rest) - 1;
}

// Output channels of a panel, of so many blocks of 16.
static inline int64_t panel_width(int64_t panel, int64_t out_blocks) {
    return (panel + 1) * kPanel <= out_blocks * kLanes ? kPanel : kLanes;
}

}  // namespace crn
