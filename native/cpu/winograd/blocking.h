// How a problem is cut: what does not depend on the instruction set.
#pragma once

#include <stdint.h>

#include "cudnnresnet_cpu.h"
#include "vector/panels.h"

namespace crn::winograd {

inline int64_t align(int64_t bytes) { return round_up(bytes, 64); }

struct Blocking {
    explicit Blocking(const crn_winograd_problem& p);

    int64_t outputs, inputs, points;        // m, m + 2, (m + 2)^2
    int64_t tile_rows, tile_columns, tiles; // of an image; of all
    int64_t in_blocks, out_blocks, panels;  // channels in sixteens; panels of output channels
    int64_t threads;

    // All threads transform all tiles, then share out the panels: each filter is read once. Otherwise every thread
    // takes its tiles through all stages, some at a time.
    bool shared;
    int64_t block_tiles;                    // tiles whose transforms are alive at once

    int64_t packed_bytes() const { return points * in_blocks * kLanes * out_blocks * kLanes * sizeof(float); }
    int64_t input_bytes() const { return align(points * in_blocks * kLanes * block_tiles * sizeof(float)); }
    int64_t product_bytes() const { return align(points * kPanel * unit_tiles() * sizeof(float)); }
    // Tiles of one matrix product.
    int64_t unit_tiles() const;
    int64_t units() const { return panels * ceil_div(tiles, unit_tiles()); }
    int64_t workspace_bytes() const {
        return (shared ? input_bytes() : threads * input_bytes()) + threads * product_bytes();
    }
};

}  // namespace crn::winograd
