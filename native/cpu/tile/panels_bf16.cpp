#include "tile/panels.h"

#include <immintrin.h>
#include <omp.h>

#include "tile/transpose.h"

namespace crn::tile {

namespace {

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
