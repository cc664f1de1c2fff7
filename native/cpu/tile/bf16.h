// The product of tile.h with AVX-512 and its bf16 instructions.
#pragma once

#include <immintrin.h>

#include "tile/tile.h"

namespace {

class Tile {
public:
    // A segment of fewer rows takes as long as one of so many.
    static constexpr int64_t kFewestRows = 1;

    // Rows of a segment at most, and how many segments of so many rows make one product: 28 sums, 2 operands, 1 broadcast.
    static constexpr int64_t kSegmentRows = 14;
    static int64_t segments(int64_t rows) { return 2 * rows <= kSegmentRows ? 2 : 1; }

    // One segment or two of `rows` rows each, at the byte offsets `starts` from a.rows. Hands every row of sums to
    // finish(segment, row, filters 0 to 15, filters 16 to 31).
    template <class Finish>
    void multiply(const crn::tile::Operand& a, const int64_t* starts, int64_t count, int64_t rows, const char* panel,
                  crn::tile::Ahead ahead, const Finish& finish) const {
        const Finishing<Finish> run =
            count == 2 ? paced<kSegmentRows / 2, 2, Finish>(a.row_bytes, rows) : paced<kSegmentRows, 1, Finish>(a.row_bytes, rows);
        run(a, starts, panel, ahead, finish);
    }

private:
    template <class Finish>
    using Finishing = void (*)(const crn::tile::Operand&, const int64_t*, const char*, crn::tile::Ahead, const Finish&);

    // Neighbouring positions, every second one, or rows that lie anyhow.
    template <int R, int P, class Finish>
    static Finishing<Finish> paced(int64_t row_bytes, int64_t rows) {
        using crn::tile::kRowBytes;
        return row_bytes == kRowBytes       ? finishing<R, P, 1, Finish>(rows)
               : row_bytes == 2 * kRowBytes ? finishing<R, P, 2, Finish>(rows)
                                            : finishing<R, P, 0, Finish>(rows);
    }

    template <int R, int P, int S, class Finish>
    static Finishing<Finish> finishing(int64_t rows) {
        if constexpr (R == 1)
            return segments<1, P, S, Finish>;
        else
            return rows == R ? segments<R, P, S, Finish> : finishing<R - 1, P, S, Finish>(rows);
    }

    // P segments of R rows.
    template <int R, int P, int S, class Finish>
    static void segments(const crn::tile::Operand& a, const int64_t* starts, const char* panel, crn::tile::Ahead ahead,
                         const Finish& finish) {
        using namespace crn::tile;
        // Bytes between the filters that are multiplied and those that are fetched.
        constexpr int64_t kAhead = 4 * kHalfBytes;
        __m512 sum[P][R][2];
#pragma GCC unroll 2
        for (int i = 0; i < P; i++)
#pragma GCC unroll 16
            for (int r = 0; r < R; r++)
                sum[i][r][0] = sum[i][r][1] = _mm512_setzero_ps();
        const int64_t apart = P == 2 ? starts[1] - starts[0] : 0, row_bytes = S ? S * kRowBytes : a.row_bytes;
        for (int64_t tap = 0; tap < a.tap_count; tap++) {
            const char* plane = a.rows + starts[0] + a.taps[tap];
            for (int64_t block = 0; block < a.blocks; block++, plane += a.plane_bytes, panel += 2 * kHalfBytes) {
                for (int64_t line = 0; line < ahead.lines; line++, ahead.at += kRowBytes)
                    _mm_prefetch(ahead.at, _MM_HINT_T1);
#pragma GCC unroll 4
                for (int pair = 0; pair < 16; pair++) {
                    const char* b = panel + pair * kRowBytes;
                    const __m512bh b0 = (__m512bh)_mm512_load_si512(b), b1 = (__m512bh)_mm512_load_si512(b + kHalfBytes);
                    _mm_prefetch(b + kAhead, _MM_HINT_T0);
                    _mm_prefetch(b + kAhead + kHalfBytes, _MM_HINT_T0);
#pragma GCC unroll 2
                    for (int i = 0; i < P; i++)
#pragma GCC unroll 16
                        for (int r = 0; r < R; r++) {
                            const char* at = plane + i * apart + r * row_bytes + pair * 4;
                            const __m512bh x = (__m512bh)_mm512_set1_epi32(*(const int*)at);
                            sum[i][r][0] = _mm512_dpbf16_ps(sum[i][r][0], x, b0);
                            sum[i][r][1] = _mm512_dpbf16_ps(sum[i][r][1], x, b1);
                        }
                }
            }
        }
#pragma GCC unroll 2
        for (int i = 0; i < P; i++)
#pragma GCC unroll 16
            for (int r = 0; r < R; r++)
                finish(i, r, sum[i][r][0], sum[i][r][1]);
    }
};

}  // namespace
