// One entry for each instruction set, and what both share.
#pragma once

#include <stdint.h>

#include "cudnnresnet_cpu.h"
#include "tile/tile.h"

namespace crn::bottleneck {

using tile::ceil_div;
using tile::kChannels;
using tile::kFilters;
using tile::kRowBytes;

// How a problem is cut. A band is some rows of y, or all rows of some images; its intermediates lie in buffers that stay
// in the L2 cache. Either every thread has bands of its own, or, where that would compute too many rows twice, all threads
// work on each band together and share out its products.
struct Blocking {
    explicit Blocking(const crn_bottleneck_problem& p);

    int64_t h1, w1, p, q;           // extents behind the first convolution and behind the second
    int64_t stride;                 // of the second
    int64_t threads;
    bool shared;
    bool gathers;                   // x is copied to blocks of channels; otherwise it is read where it lies
    int64_t band_images, band_rows; // at most; images only where the rows are all
    int64_t halo;                   // rows that one band of an image and the next both read

    // Blocks of 32 channels.
    int64_t in_blocks, mid_blocks, out_blocks;
    // Bytes from one block of channels to the next, in what the three convolutions read.
    int64_t x_plane, v1_plane, v2_plane;

    int64_t v1_rows(int64_t rows) const { return (rows - 1) * stride + 3; }
    // A row of what the 3x3 reads has one column of zeros; the next row's is its right neighbour.
    int64_t v1_width() const { return w1 + 1; }

    int64_t x_bytes() const { return gathers ? in_blocks * x_plane : 0; }
    int64_t v1_bytes() const { return mid_blocks * v1_plane; }
    int64_t v2_bytes() const { return mid_blocks * v2_plane; }
    int64_t buffer_bytes() const { return x_bytes() + v1_bytes() + v2_bytes(); }
    int64_t workspace_bytes() const { return (shared ? 1 : threads) * buffer_bytes(); }

    // The three filters, one behind the other.
    int64_t filter_bytes(int i) const {
        const int64_t blocks[3] = {in_blocks * mid_blocks, 9 * mid_blocks * mid_blocks, mid_blocks * out_blocks};
        return blocks[i] * kChannels * kFilters * 2;
    }
    int64_t packed_bytes() const { return filter_bytes(0) + filter_bytes(1) + filter_bytes(2); }
};

// What a run is given.
struct Operands {
    const uint16_t* x;
    const char* packed;
    const float* const* biases;
    const uint16_t* other;
    bool relu;
    uint16_t* y;
    char* workspace;
};

void run_bf16(const crn_bottleneck_problem& p, const Operands& operands);
void run_amx(const crn_bottleneck_problem& p, const Operands& operands);

}  // namespace crn::bottleneck
