// bf16 values to float32.
#pragma once

#include <immintrin.h>
#include <stdint.h>

namespace {

inline __m512 widen(__m256i bf16) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bf16), 16)); }

inline __m512 load(const uint16_t* values) { return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(values))); }

}  // namespace
