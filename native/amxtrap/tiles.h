// The state of AMX and what its instructions do to it, as chapters 18.4 and 2.6 of Intel's Software Developer's Manual
// (volumes 1 and 2) say: palette 1, eight tiles of at most 16 rows of 64 bytes.
#pragma once

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include <initializer_list>

namespace amxtrap {

constexpr int kTiles = 8;
constexpr int kMostRows = 16;
constexpr int kMostColumnBytes = 64;

// The operand of ldtilecfg and sttilecfg.
struct Configuration {
    uint8_t palette, start_row, reserved[14];
    uint16_t column_bytes[16];
    uint8_t rows[16];
};
static_assert(sizeof(Configuration) == 64);

struct State {
    Configuration configuration;
    alignas(64) uint8_t data[kTiles][kMostRows][kMostColumnBytes];
};

// Every operation returns null, or the rule that it would break: a fault on a processor with AMX.
using Broken = const char*;

inline Broken configure(State& state, const Configuration& wanted) {
    if (wanted.palette > 1)
        return "the palette is neither 0 nor 1 (#GP)";
    for (uint8_t byte : wanted.reserved)
        if (byte != 0)
            return "a reserved byte of the configuration is not 0 (#GP)";
    if (wanted.palette == 1)
        for (int i = 0; i < 16; i++) {
            const int bytes = wanted.column_bytes[i], rows = wanted.rows[i];
            if (i >= kTiles && (bytes != 0 || rows != 0))
                return "there are only eight tiles to configure (#GP)";
            if (bytes > kMostColumnBytes)
                return "a row of a tile has more than 64 bytes (#GP)";
            if (rows > kMostRows)
                return "a tile has more than 16 rows (#GP)";
            if ((bytes == 0) != (rows == 0))
                return "a tile has rows without columns or columns without rows (#GP)";
        }
    memset(&state, 0, sizeof state);
    if (wanted.palette == 1)
        state.configuration = wanted;
    return nullptr;
}

inline Broken usable(const State& state, int tile) {
    return state.configuration.palette == 0 ? "no tiles are configured (#UD)"
        : state.configuration.rows[tile] == 0 ? "the tile is not configured (#UD)"
        : nullptr;
}

inline Broken zero(State& state, int tile) {
    if (Broken rule = usable(state, tile))
        return rule;
    memset(state.data[tile], 0, sizeof state.data[tile]);
    state.configuration.start_row = 0;
    return nullptr;
}

inline Broken load(State& state, int tile, const uint8_t* from, int64_t stride) {
    if (Broken rule = usable(state, tile))
        return rule;
    const Configuration& c = state.configuration;
    if (c.start_row == 0)
        memset(state.data[tile], 0, sizeof state.data[tile]);
    for (int row = c.start_row; row < c.rows[tile]; row++)
        memcpy(state.data[tile][row], from + row * stride, c.column_bytes[tile]);
    state.configuration.start_row = 0;
    return nullptr;
}

inline Broken store(State& state, int tile, uint8_t* to, int64_t stride) {
    if (Broken rule = usable(state, tile))
        return rule;
    const Configuration& c = state.configuration;
    for (int row = c.start_row; row < c.rows[tile]; row++)
        memcpy(to + row * stride, state.data[tile][row], c.column_bytes[tile]);
    state.configuration.start_row = 0;
    return nullptr;
}

// sums[m][n] += the products of pairs a[m][k], b[k][n] of bf16: those of first members and those of second members are
// summed by fused multiply-adds in the order of k, each from 0; then both are added, and the result to what was there.
// Rounded to nearest even; subnormal operands count as zeros and subnormal results become zeros.
inline Broken multiply(State& state, int sums, int a, int b) {
    if (sums == a || sums == b || a == b)
        return "two operands are the same tile (#UD)";
    for (int tile : {sums, a, b}) {
        if (Broken rule = usable(state, tile))
            return rule;
        if (state.configuration.column_bytes[tile] % 4 != 0)
            return "a row's bytes are no multiple of 4 (#UD)";
    }
    const Configuration& c = state.configuration;
    if (c.rows[sums] != c.rows[a])
        return "the sums' rows are not those of the first factor (#UD)";
    if (c.column_bytes[a] / 4 != c.rows[b])
        return "the first factor's columns are not the second's rows (#UD)";
    if (c.column_bytes[sums] != c.column_bytes[b])
        return "the sums' columns are not those of the second factor (#UD)";

    constexpr unsigned kFlushMaskedNearest = 0x9fc0;
    const unsigned mode = _mm_getcsr();
    _mm_setcsr(kFlushMaskedNearest);
    // The compiler may not move arithmetic across the changes of mode.
    __asm__ volatile("" ::: "memory");
    const __mmask16 columns = __mmask16((1u << c.column_bytes[sums] / 4) - 1);
    const __m512i upper = _mm512_set1_epi32(int(0xffff0000));
    for (int m = 0; m < c.rows[sums]; m++) {
        __m512 first = _mm512_setzero_ps(), second = first;
        for (int k = 0; k < c.column_bytes[a] / 4; k++) {
            int pair;
            memcpy(&pair, &state.data[a][m][k * 4], 4);
            const __m512i x = _mm512_set1_epi32(pair), y = _mm512_load_si512(state.data[b][k]);
            first = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_slli_epi32(x, 16)), _mm512_castsi512_ps(_mm512_slli_epi32(y, 16)), first);
            second = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_and_si512(x, upper)), _mm512_castsi512_ps(_mm512_and_si512(y, upper)), second);
        }
        const __m512 sum = _mm512_add_ps(_mm512_load_ps(state.data[sums][m]), _mm512_add_ps(first, second));
        _mm512_store_ps(state.data[sums][m], _mm512_maskz_mov_ps(columns, sum));
    }
    for (int m = c.rows[sums]; m < kMostRows; m++)
        memset(state.data[sums][m], 0, kMostColumnBytes);
    state.configuration.start_row = 0;
    __asm__ volatile("" ::: "memory");
    _mm_setcsr(mode);
    return nullptr;
}

}  // namespace amxtrap
