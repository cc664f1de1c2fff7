#pragma once

#include <immintrin.h>

namespace {

// Rows of sixteen 32-bit values to columns.
inline void transpose(__m512i (&r)[16]) {
    __m512i t[16];
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        const __m512i low0 = _mm512_unpacklo_epi32(r[i], r[i + 1]), high0 = _mm512_unpackhi_epi32(r[i], r[i + 1]);
        const __m512i low1 = _mm512_unpacklo_epi32(r[i + 2], r[i + 3]), high1 = _mm512_unpackhi_epi32(r[i + 2], r[i + 3]);
        t[i] = _mm512_unpacklo_epi64(low0, low1);
        t[i + 1] = _mm512_unpackhi_epi64(low0, low1);
        t[i + 2] = _mm512_unpacklo_epi64(high0, high1);
        t[i + 3] = _mm512_unpackhi_epi64(high0, high1);
    }
    // t[4 i + j] holds, for rows 4 i to 4 i + 3, the columns j, j + 4, j + 8 and j + 12, one in each quarter.
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        const __m512i even0 = _mm512_shuffle_i32x4(t[j], t[4 + j], 0x88), odd0 = _mm512_shuffle_i32x4(t[j], t[4 + j], 0xdd);
        const __m512i even1 = _mm512_shuffle_i32x4(t[8 + j], t[12 + j], 0x88), odd1 = _mm512_shuffle_i32x4(t[8 + j], t[12 + j], 0xdd);
        r[j] = _mm512_shuffle_i32x4(even0, even1, 0x88);
        r[j + 4] = _mm512_shuffle_i32x4(odd0, odd1, 0x88);
        r[j + 8] = _mm512_shuffle_i32x4(even0, even1, 0xdd);
        r[j + 12] = _mm512_shuffle_i32x4(odd0, odd1, 0xdd);
    }
}

}  // namespace
