#include "winograd/blocking.h"

namespace crn::winograd {

// Measured on Zen 4 (1 MB of L2 cache for each core): enough tiles that the filters, which come from the last cache, are
// used often, and few enough that their transforms stay close: 42 of 128 channels are 0.8 MB.
constexpr int64_t kNarrowBlocks = 8, kNarrowTiles = 42, kWideTiles = 28;
constexpr int64_t kSharedTiles = 28;

Blocking::Blocking(const crn_winograd_problem& p) {
    outputs = p.tile;
    inputs = outputs + 2;
    points = inputs * inputs;
    tile_rows = ceil_div(p.h, outputs);
    tile_columns = ceil_div(p.w, outputs);
    tiles = p.n * tile_rows * tile_columns;
    in_blocks = ceil_div(p.c, kLanes);
    out_blocks = ceil_div(p.k, kLanes);
    panels = ceil_div(out_blocks, kPanel / kLanes);
    threads = p.threads;
    shared = tiles < kSharedTiles * threads;
    block_tiles = shared ? tiles : in_blocks <= kNarrowBlocks ? kNarrowTiles : kWideTiles;
    if (block_tiles > tiles) block_tiles = tiles;
}

int64_t Blocking::unit_tiles() const {
    return shared && kSharedTiles < tiles ? kSharedTiles : block_tiles;
}

}  // namespace crn::winograd

int64_t crn_winograd_packed_bytes(const crn_winograd_problem* problem) {
    return crn::winograd::Blocking(*problem).packed_bytes();
}

int64_t crn_winograd_workspace_bytes(const crn_winograd_problem* problem) {
    return crn::winograd::Blocking(*problem).workspace_bytes();
}
