// How the rows of products are counted off, for the Tile that was included before.
#pragma once

#include "tile/tile.h"

namespace {

// Lines of positions, cut into segments of one length. The last segment of a line begins early enough to have that length,
// and leaves out the rows that the one before it has done.
struct Segments {
    Segments(int64_t lines, int64_t width)
        : lines(lines), width(width), per_line(crn::tile::ceil_div(width, Tile::kSegmentRows)), length(crn::tile::ceil_div(width, per_line)),
          count(lines * per_line), per_group(Tile::segments(length)), groups(crn::tile::ceil_div(count, per_group)) {}

    int64_t lines, width, per_line, length, count, per_group, groups;
};

}  // namespace
