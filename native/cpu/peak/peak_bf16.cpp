#include <immintrin.h>

#include "peak/peak.h"

float crn::peak::run_bf16(int64_t rounds) {
    constexpr int chains = kChains;
    const __m512bh a = __m512bh(_mm512_set1_epi16(0x3f00)), b = __m512bh(_mm512_set1_epi16(0x3e80));
    __m512 sum[chains];
#pragma GCC unroll 24
    for (int i = 0; i < chains; i++)
        sum[i] = _mm512_set1_ps(float(i));
    for (int64_t round = 0; round < rounds; round++) {
#pragma GCC unroll 24
        for (int i = 0; i < chains; i++)
            sum[i] = _mm512_dpbf16_ps(sum[i], a, b);
        // The compiler must not see that every round adds the same.
        __asm__ volatile("" : "+x"(sum[0]));
    }
#pragma GCC unroll 24
    for (int i = 1; i < chains; i++)
        sum[0] = _mm512_add_ps(sum[0], sum[i]);
    return _mm512_cvtss_f32(sum[0]);
}
