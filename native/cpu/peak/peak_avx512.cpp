#include <immintrin.h>

#include "peak/peak.h"

float crn::peak::run_avx512(int64_t rounds) {
    constexpr int chains = kChains;
    const __m512 a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(0.25f);
    __m512 sum[chains];
#pragma GCC unroll 24
    for (int i = 0; i < chains; i++)
        sum[i] = _mm512_set1_ps(float(i));
    for (int64_t round = 0; round < rounds; round++) {
#pragma GCC unroll 24
        for (int i = 0; i < chains; i++)
            sum[i] = _mm512_fmadd_ps(a, b, sum[i]);
        // The compiler must not see that every round adds the same.
        __asm__ volatile("" : "+x"(sum[0]));
    }
#pragma GCC unroll 24
    for (int i = 1; i < chains; i++)
        sum[0] = _mm512_add_ps(sum[0], sum[i]);
    return _mm512_cvtss_f32(sum[0]);
}
