// The product of tile.h with AMX: two by two tiles of sums.
#pragma once

#include <immintrin.h>
#include <string.h>

#include "tile/tile.h"
#include "tile/tile_config.h"

namespace {

// Tiles 0 to 3 are the sums of two halves of rows times two of filters, 4 and 5 the rows, 6 and 7 the filters. A thread makes
// one of these, and no other while it lives.
class Tile {
public:
    ~Tile() { _tile_release(); }

    // A segment of fewer rows takes as long as one of so many: four products of sixteen cycles are under way, and a sum is
    // there after 52.
    static constexpr int64_t kFewestRows = 13;

    // Rows of a segment at most, and how many segments make one product.
    static constexpr int64_t kSegmentRows = 16;
    static int64_t segments(int64_t) { return 2; }

    // One segment or two of `rows` rows each, at the byte offsets `starts` from a.rows. Hands every row of sums to
    // finish(segment, row, filters 0 to 15, filters 16 to 31).
    template <class Finish>
    void multiply(const crn::tile::Operand& a, const int64_t* starts, int64_t count, int64_t rows, const char* panel,
                  crn::tile::Ahead ahead, const Finish& finish) {
        using namespace crn::tile;
        configure(rows, rows);
        alignas(64) float sums[2 * kSegmentRows * kFilters];
        if (count == 2)
            whole(a, a.rows + starts[0], a.rows + starts[1], panel, ahead, sums, sums + rows * kFilters);
        else
            half(a, a.rows + starts[0], panel, ahead, sums);
        const float* sum = sums;
        for (int64_t i = 0; i < count; i++)
            for (int64_t r = 0; r < rows; r++, sum += kFilters)
                finish(i, r, _mm512_load_ps(sum), _mm512_load_ps(sum + 16));
    }

private:
    // Rows of the tiles in use follow those of the product: a tile never reads a position that is not asked for.
    void configure(int64_t low_rows, int64_t high_rows) {
        if (low_rows == low_ && high_rows == high_)
            return;
        TileConfig config;
        config.rows[0] = config.rows[1] = config.rows[4] = uint8_t(low_rows);
        config.rows[2] = config.rows[3] = config.rows[5] = uint8_t(high_rows);
        config.load();
        low_ = low_rows;
        high_ = high_rows;
    }

    // Sums of rows that begin in two places.
    static void whole(const crn::tile::Operand& a, const char* low, const char* high, const char* panel, crn::tile::Ahead ahead,
                      float* low_sums, float* high_sums) {
        using namespace crn::tile;
        const int64_t step = a.row_bytes;
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (int64_t tap = 0; tap < a.tap_count; tap++) {
            int64_t at = a.taps[tap];
            for (int64_t block = 0; block < a.blocks; block++, at += a.plane_bytes, panel += 2 * kHalfBytes) {
                fetch(ahead);
                _tile_loadd(4, low + at, step);
                _tile_loadd(6, panel, kRowBytes);
                _tile_dpbf16ps(0, 4, 6);
                _tile_loadd(7, panel + kHalfBytes, kRowBytes);
                _tile_dpbf16ps(1, 4, 7);
                _tile_loadd(5, high + at, step);
                _tile_dpbf16ps(2, 5, 6);
                _tile_dpbf16ps(3, 5, 7);
            }
        }
        _tile_stored(0, low_sums, kFilters * 4);
        _tile_stored(1, low_sums + 16, kFilters * 4);
        _tile_stored(2, high_sums, kFilters * 4);
        _tile_stored(3, high_sums + 16, kFilters * 4);
    }

    static void half(const crn::tile::Operand& a, const char* low, const char* panel, crn::tile::Ahead ahead, float* sums) {
        using namespace crn::tile;
        const int64_t step = a.row_bytes;
        _tile_zero(0);
        _tile_zero(1);
        for (int64_t tap = 0; tap < a.tap_count; tap++) {
            const char* plane = low + a.taps[tap];
            for (int64_t block = 0; block < a.blocks; block++, plane += a.plane_bytes, panel += 2 * kHalfBytes) {
                fetch(ahead);
                _tile_loadd(4, plane, step);
                _tile_loadd(6, panel, kRowBytes);
                _tile_dpbf16ps(0, 4, 6);
                _tile_loadd(7, panel + kHalfBytes, kRowBytes);
                _tile_dpbf16ps(1, 4, 7);
            }
        }
        _tile_stored(0, sums, kFilters * 4);
        _tile_stored(1, sums + 16, kFilters * 4);
    }

    static void fetch(crn::tile::Ahead& ahead) {
        for (int64_t line = 0; line < ahead.lines; line++, ahead.at += crn::tile::kRowBytes)
            _mm_prefetch(ahead.at, _MM_HINT_T1);
    }

    int64_t low_ = 0, high_ = 0;
};

}  // namespace
