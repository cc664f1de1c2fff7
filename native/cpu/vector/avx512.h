// Sixteen floats in one register.
#pragma once

#include <immintrin.h>
#include <stdint.h>

namespace {

struct Lanes {
    // Rows of the register block of a matrix product, and vectors in each: 28 sums, 2 operands, 1 broadcast.
    static constexpr int kRows = 14;
    static constexpr int kVectors = 2;

    __m512 v;

    static Lanes zero() { return {_mm512_setzero_ps()}; }
    static Lanes all(float x) { return {_mm512_set1_ps(x)}; }
    static Lanes load(const float* p) { return {_mm512_loadu_ps(p)}; }
    static Lanes load(const float* p, unsigned mask) { return {_mm512_maskz_loadu_ps(__mmask16(mask), p)}; }
    // bf16 values.
    static Lanes load(const uint16_t* p, unsigned mask) { return widen(_mm256_maskz_loadu_epi16(__mmask16(mask), p)); }
    void store(uint16_t* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow()); }
    void store(uint16_t* p, unsigned mask) const { _mm256_mask_storeu_epi16(p, __mmask16(mask), narrow()); }
    static Lanes widen(__m256i x) { return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16))}; }
    // The nearest bf16, of two the even one; a NaN stays one.
    __m256i narrow() const {
        const __m512i bits = _mm512_castps_si512(v), odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
        const __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
        const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
        return _mm512_cvtepi32_epi16(_mm512_srli_epi32(
            _mm512_mask_mov_epi32(rounded, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), quiet), 16));
    }
    void store(float* p) const { _mm512_storeu_ps(p, v); }
    void store(float* p, unsigned mask) const { _mm512_mask_storeu_ps(p, __mmask16(mask), v); }
};

inline Lanes operator+(Lanes a, Lanes b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Lanes operator-(Lanes a, Lanes b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Lanes operator*(Lanes a, Lanes b) { return {_mm512_mul_ps(a.v, b.v)}; }
// a * b + c, rounded once.
inline Lanes fma(Lanes a, Lanes b, Lanes c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline Lanes to_bf16(Lanes a) { return Lanes::widen(a.narrow()); }
// The larger, where one is a NaN the second.
inline Lanes maximum(Lanes a, Lanes b) { return {_mm512_max_ps(a.v, b.v)}; }

}  // namespace
