// The product of tile.h with AVX-512 and its bf16 instructions.
#pragma once

#include <immintrin.h>

#include "tile/tile.h"

namespace {

class Tile {
public:
    // Rows of a product: 28 sums, 2 operands, 1 broadcast.
    static constexpr int64_t kRows = 14;

    // sums[row][32 filters], for at most kRows rows. `panel` is aligned to 64 bytes, and so are the sums.
    void multiply(const crn::tile::Operand& a, int64_t rows, const char* panel, float* sums) const {
        (a.stride == 1 ? chosen<1>(rows) : chosen<2>(rows))(a, panel, sums);
    }

private:
    using Multiply = void (*)(const crn::tile::Operand&, const char*, float*);

    template <int S, int R = kRows>
    static Multiply chosen(int64_t rows) {
        if constexpr (R == 1)
            return run<1, S>;
        else
            return rows == R ? run<R, S> : chosen<S, R - 1>(rows);
    }

    template <int R, int S>
    static void run(const crn::tile::Operand& a, const char* panel, float* sums) {
        using namespace crn::tile;
        // Bytes between the filters that are multiplied and those that are fetched.
        constexpr int64_t kAhead = 4 * kHalfBytes;
        __m512 sum[R][2];
#pragma GCC unroll 16
        for (int r = 0; r < R; r++)
            sum[r][0] = sum[r][1] = _mm512_setzero_ps();
        for (int64_t tap = 0; tap < a.tap_count; tap++) {
            const char* plane = a.rows + a.taps[tap];
            for (int64_t block = 0; block < a.blocks; block++, plane += a.plane_bytes, panel += 2 * kHalfBytes) {
#pragma GCC unroll 4
                for (int pair = 0; pair < 16; pair++) {
                    const char* b = panel + pair * kRowBytes;
                    const __m512bh b0 = (__m512bh)_mm512_load_si512(b), b1 = (__m512bh)_mm512_load_si512(b + kHalfBytes);
                    _mm_prefetch(b + kAhead, _MM_HINT_T0);
                    _mm_prefetch(b + kAhead + kHalfBytes, _MM_HINT_T0);
#pragma GCC unroll 16
                    for (int r = 0; r < R; r++) {
                        const __m512bh x = (__m512bh)_mm512_set1_epi32(*(const int*)(plane + r * S * kRowBytes + pair * 4));
                        sum[r][0] = _mm512_dpbf16_ps(sum[r][0], x, b0);
                        sum[r][1] = _mm512_dpbf16_ps(sum[r][1], x, b1);
                    }
                }
            }
        }
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) {
            _mm512_store_ps(sums + r * kFilters, sum[r][0]);
            _mm512_store_ps(sums + r * kFilters + 16, sum[r][1]);
        }
    }
};

}  // namespace
