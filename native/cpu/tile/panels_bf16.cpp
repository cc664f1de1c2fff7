#include "tile/panels.h"

#include <immintrin.h>
#include <omp.h>

namespace crn::tile {

namespace {

// Rows of sixteen 32-bit values to columns.
void transpose(__m512i (&r)[16]) {
    __m512i t[16];
    for (int i = 0; i < 16; i += 4) {
        const __m512i low0 = _mm512_unpacklo_epi32(r[i], r[i + 1]), high0 = _mm512_unpackhi_epi32(r[i], r[i + 1]);
        const __m512i low1 = _mm512_unpacklo_epi32(r[i + 2], r[i + 3]), high1 = _mm512_unpackhi_epi32(r[i + 2], r[i + 3]);
        t[i] = _mm512_unpacklo_epi64(low0, low1);
        t[i + 1] = _mm512_unpackhi_epi64(low0, low1);
        t[i + 2] = _mm512_unpacklo_epi64(high0, high1);
        t[i + 3] = _mm512_unpackhi_epi64(high0, high1);
    }
    // t[4 i + j] holds, for rows 4 i to 4 i + 3, the columns j, j + 4, j + 8 and j + 12, one in each quarter.
    for (int j = 0; j < 4; j++) {
        const __m512i even0 = _mm512_shuffle_i32x4(t[j], t[4 + j], 0x88), odd0 = _mm512_shuffle_i32x4(t[j], t[4 + j], 0xdd);
        const __m512i even1 = _mm512_shuffle_i32x4(t[8 + j], t[12 + j], 0x88), odd1 = _mm512_shuffle_i32x4(t[8 + j], t[12 + j], 0xdd);
        r[j] = _mm512_shuffle_i32x4(even0, even1, 0x88);
        r[j + 4] = _mm512_shuffle_i32x4(odd0, odd1, 0x88);
        r[j + 8] = _mm512_shuffle_i32x4(even0, even1, 0xdd);
        r[j + 12] = _mm512_shuffle_i32x4(odd0, odd1, 0xdd);
    }
}

// 16 filters, `apart` from each other, of 32 neighbouring channels.
void pack_half(const float* filter, int64_t apart, __m512i* to) {
    __m512i rows[16];
    for (int f = 0; f < 16; f++, filter += apart)
        rows[f] = (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(filter + 16), _mm512_loadu_ps(filter));
    transpose(rows);
    for (int pair = 0; pair < 16; pair++)
        _mm512_store_si512(to + pair, rows[pair]);
}

// 16 neighbouring filters of 32 channels that are `apart` from each other.
void pack_half_backward(const float* filter, int64_t apart, __m512i* to) {
    alignas(64) static constexpr uint16_t kPairs[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                        8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const __m512i pairs = _mm512_load_si512(kPairs);
    for (int pair = 0; pair < 16; pair++, filter += 2 * apart) {
        const __m512i both = (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(filter + apart), _mm512_loadu_ps(filter));
        _mm512_store_si512(to + pair, _mm512_permutexvar_epi16(pairs, both));
    }
}

}  // namespace

void pack_panels(const float* filter, int64_t k, int64_t taps, int64_t c, bool backward, int64_t threads, void* packed) {
    const int64_t blocks = c / kChannels, halves = k / 16;
    // In the order in which `filter` lies, as far as that goes.
#pragma omp parallel for num_threads(int(threads)) schedule(static)
    for (int64_t half = 0; half < halves; half++)
        for (int64_t tap = 0; tap < taps; tap++)
            for (int64_t block = 0; block < blocks; block++) {
                const int64_t place = ((half / 2 * taps + tap) * blocks + block) * 2 + half % 2;
                __m512i* to = reinterpret_cast<__m512i*>(static_cast<char*>(packed) + place * kHalfBytes);
                if (backward)
                    pack_half_backward(filter + (block * kChannels * taps + taps - 1 - tap) * k + half * 16, taps * k, to);
                else
                    pack_half(filter + (half * 16 * taps + tap) * c + block * kChannels, taps * c, to);
            }
}

}  // namespace crn::tile
