#include <immintrin.h>

#include "peak/peak.h"

float crn::peak::run_avx2(int64_t rounds) {
    constexpr int chains = kChains / 2;
    const __m256 a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(0.25f);
    __m256 sum[chains];
#pragma GCC unroll 24
    for (int i = 0; i < chains; i++)
        sum[i] = _mm256_set1_ps(float(i));
    for (int64_t round = 0; round < rounds; round++) {
#pragma GCC unroll 24
        for (int i = 0; i < chains; i++)
            sum[i] = _mm256_fmadd_ps(a, b, sum[i]);
        // The compiler must not see that every round adds the same.
        __asm__ volatile("" : "+x"(sum[0]));
    }
#pragma GCC unroll 24
    for (int i = 1; i < chains; i++)
        sum[0] = _mm256_add_ps(sum[0], sum[i]);
    return _mm256_cvtss_f32(sum[0]);
}
