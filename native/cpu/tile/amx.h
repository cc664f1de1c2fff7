// The product of tile.h with AMX: two by two tiles of sums.
#pragma once

#include <immintrin.h>
#include <string.h>

#include "tile/tile.h"

namespace {

// Tiles 0 to 3 are the sums of two halves of rows times two of filters, 4 and 5 the rows, 6 and 7 the filters. A thread makes
// one of these, and no other while it lives.
class Tile {
public:
    static constexpr int64_t kRows = 32;

    ~Tile() { _tile_release(); }

    // sums[row][32 filters], for at most kRows rows. `panel` is aligned to 64 bytes, and so are the sums.
    void multiply(const crn::tile::Operand& a, int64_t rows, const char* panel, float* sums) {
        using namespace crn::tile;
        configure(rows);
        if (rows > 16)
            whole(a, panel, sums);
        else
            half(a, panel, sums);
    }

private:
    // Rows of the tiles in use follow those of the product: a tile never reads a position that is not asked for.
    void configure(int64_t rows) {
        if (rows == configured_)
            return;
        struct alignas(64) {
            uint8_t palette = 1, start_row = 0, reserved[14] = {};
            uint16_t column_bytes[16] = {};
            uint8_t rows[16] = {};
        } config;
        const uint8_t low = uint8_t(rows < 16 ? rows : 16), high = uint8_t(rows > 16 ? rows - 16 : 1);
        const uint8_t of[8] = {low, low, high, high, low, high, 16, 16};
        for (int i = 0; i < 8; i++) {
            config.rows[i] = of[i];
            config.column_bytes[i] = 64;
        }
        _tile_loadconfig(&config);
        configured_ = rows;
    }

    static void whole(const crn::tile::Operand& a, const char* panel, float* sums) {
        using namespace crn::tile;
        const int64_t step = a.stride * kRowBytes;
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (int64_t tap = 0; tap < a.tap_count; tap++) {
            const char* plane = a.rows + a.taps[tap];
            for (int64_t block = 0; block < a.blocks; block++, plane += a.plane_bytes, panel += 2 * kHalfBytes) {
                _tile_loadd(4, plane, step);
                _tile_loadd(6, panel, kRowBytes);
                _tile_dpbf16ps(0, 4, 6);
                _tile_loadd(7, panel + kHalfBytes, kRowBytes);
                _tile_dpbf16ps(1, 4, 7);
                _tile_loadd(5, plane + 16 * step, step);
                _tile_dpbf16ps(2, 5, 6);
                _tile_dpbf16ps(3, 5, 7);
            }
        }
        _tile_stored(0, sums, kFilters * 4);
        _tile_stored(1, sums + 16, kFilters * 4);
        _tile_stored(2, sums + 16 * kFilters, kFilters * 4);
        _tile_stored(3, sums + 16 * kFilters + 16, kFilters * 4);
    }

    static void half(const crn::tile::Operand& a, const char* panel, float* sums) {
        using namespace crn::tile;
        const int64_t step = a.stride * kRowBytes;
        _tile_zero(0);
        _tile_zero(1);
        for (int64_t tap = 0; tap < a.tap_count; tap++) {
            const char* plane = a.rows + a.taps[tap];
            for (int64_t block = 0; block < a.blocks; block++, plane += a.plane_bytes, panel += 2 * kHalfBytes) {
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

    int64_t configured_ = 0;
};

}  // namespace
