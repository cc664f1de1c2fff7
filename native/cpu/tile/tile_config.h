#pragma once

#include <immintrin.h>
#include <stdint.h>

namespace {

// What LDTILECFG reads: all eight tiles with rows of 64 bytes, sixteen of them unless told otherwise.
struct alignas(64) TileConfig {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t column_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};

    void load() const { _tile_loadconfig(this); }
};

}  // namespace
