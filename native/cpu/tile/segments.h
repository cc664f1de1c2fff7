// How the rows of products are counted off, for the Tile that was included before.
#pragma once

#include <algorithm>

#include "tile/tile.h"

namespace {

// Rows of positions, cut into segments of one length. The last segment of a line begins early enough to have that length,
// and leaves out what the one before it has done. A line is one row, or, where that is faster, all rows of an image and what
// lies between them, which is computed and thrown away.
struct Segments {
    // pitch: positions from one row to the next where they can be one line, or 0.
    Segments(int64_t images, int64_t rows, int64_t columns, int64_t pitch) : columns(columns), pitch(columns) {
        cut(images * rows, 1, columns);
        if (pitch == 0 || rows < 2)
            return;
        const int64_t apart = cost();
        cut(images, rows, (rows - 1) * pitch + columns);
        if (cost() < apart)
            this->pitch = pitch;
        else
            cut(images * rows, 1, columns);
    }

    int64_t columns, pitch;
    int64_t run, width;  // rows and positions of a line
    int64_t per_line, length, count, per_group, groups;

private:
    void cut(int64_t lines, int64_t rows, int64_t positions) {
        run = rows;
        width = positions;
        per_line = crn::tile::ceil_div(width, Tile::kSegmentRows);
        length = crn::tile::ceil_div(width, per_line);
        count = lines * per_line;
        per_group = Tile::segments(length);
        groups = crn::tile::ceil_div(count, per_group);
    }

    int64_t cost() const { return groups * per_group * std::max(length, Tile::kFewestRows); }
};

}  // namespace
