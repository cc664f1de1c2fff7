// Blocks of a product of bf16 matrices with sums in float32, as the AVX-512 and the AMX form of it both take them.
//
// Positions lie as [block of 32 channels][position][32]: 64 bytes a position, planes one behind the other. Filters lie in
// panels of 32: [tap][block of 32 channels][half of 16 filters][16 pairs of channels][16 filters][2], 1 KiB a half: a row
// of 64 bytes is one vector of AVX-512 and one row of a tile.
#pragma once

#include <stdint.h>

#include "vector/rounding.h"

namespace crn::tile {

constexpr int64_t kChannels = 32;
constexpr int64_t kFilters = 32;
constexpr int64_t kRowBytes = kChannels * 2;
constexpr int64_t kHalfBytes = 1024;
constexpr int64_t kAlignment = 64;

// What a panel of filters is applied to.
struct Operand {
    const char* rows;      // the first position, at offset 0 of each tap
    int64_t plane_bytes;   // from a block of channels to the next
    int64_t blocks;        // of 32 channels
    const int64_t* taps;   // byte offsets from a position to what each tap reads
    int64_t tap_count;
    int64_t row_bytes;     // from one row of the product to the next
};

// Cache lines that a product asks for with every block of channels, one after the other: what is read later.
struct Ahead {
    const char* at;
    int64_t lines;
};

using crn::ceil_div;
using crn::round_up;

inline int64_t panel_bytes(int64_t channels, int64_t taps) { return channels * taps * kFilters * 2; }

}  // namespace crn::tile
