#include "winograd/blocking.h"

#include <stdlib.h>

namespace crn::winograd {

namespace {

int64_t env(const char* name, int64_t otherwise) {
    const char* text = getenv(name);
    return text ? atoll(text) : otherwise;
}

}  // namespace

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
    shared = env("CRN_SHARED", tiles < 28 * threads);
    group_panels = env("CRN_PANELS", 1);
    block_tiles = shared ? tiles : env("CRN_TILES", 56);
    if (block_tiles > tiles) block_tiles = tiles;
    if (group_panels > panels) group_panels = panels;
}

int64_t Blocking::unit_tiles() const {
    if (!shared) return block_tiles;
    int64_t u = env("CRN_UNIT", 56);
    return u < tiles ? u : tiles;
}

}  // namespace crn::winograd

int64_t crn_winograd_packed_bytes(const crn_winograd_problem* problem) {
    return crn::winograd::Blocking(*problem).packed_bytes();
}

int64_t crn_winograd_workspace_bytes(const crn_winograd_problem* problem) {
    return crn::winograd::Blocking(*problem).workspace_bytes();
}
