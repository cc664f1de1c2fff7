// Sixteen floats in two registers.
#pragma once

#include <immintrin.h>
#include <stdint.h>

namespace {

struct Lanes {
    // Rows of the register block of a matrix product, and vectors in each: 12 sums, 2 operands, 1 broadcast.
    static constexpr int kRows = 6;
    static constexpr int kVectors = 1;

    __m256 a, b;

    static Lanes zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
    static Lanes all(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
    static Lanes load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
    static Lanes load(const float* p, unsigned mask) {
        if (mask == 0xffff)
            return load(p);
        if (mask == 0)
            return zero();
        return {_mm256_maskload_ps(p, bits(mask)), _mm256_maskload_ps(p + 8, bits(mask >> 8))};
    }
    // bf16 values.
    static Lanes load(const uint16_t* p, unsigned mask) {
        if (mask == 0xffff)
            return {widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))), widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8)))};
        alignas(32) float wide[16] = {};
        for (int i = 0; i < 16; i++)
            if (mask >> i & 1) {
                const uint32_t bits = uint32_t(p[i]) << 16;
                __builtin_memcpy(wide + i, &bits, sizeof bits);
            }
        return load(wide);
    }
    void store(uint16_t* p) const {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p), narrow(a));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), narrow(b));
    }
    void store(uint16_t* p, unsigned mask) const {
        alignas(32) uint16_t all[16];
        store(all);
        for (int i = 0; i < 16; i++)
            if (mask >> i & 1)
                p[i] = all[i];
    }
    static __m256 widen(__m128i x) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16)); }
    // The nearest bf16, of two the even one; a NaN stays one.
    static __m128i narrow(__m256 x) {
        const __m256i bits = _mm256_castps_si256(x), odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
        const __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
        const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
        const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
        const __m256i high = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
        return _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
    }
    void store(float* p) const {
        _mm256_storeu_ps(p, a);
        _mm256_storeu_ps(p + 8, b);
    }
    void store(float* p, unsigned mask) const {
        _mm256_maskstore_ps(p, bits(mask), a);
        _mm256_maskstore_ps(p + 8, bits(mask >> 8), b);
    }

private:
    // The low eight bits, each as the sign of a lane.
    static __m256i bits(unsigned mask) {
        return _mm256_sllv_epi32(_mm256_set1_epi32(int(mask)), _mm256_setr_epi32(31, 30, 29, 28, 27, 26, 25, 24));
    }
};

inline Lanes operator+(Lanes x, Lanes y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
inline Lanes operator-(Lanes x, Lanes y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
inline Lanes operator*(Lanes x, Lanes y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
// x * y + z, rounded once.
inline Lanes fma(Lanes x, Lanes y, Lanes z) { return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
inline Lanes to_bf16(Lanes x) { return {Lanes::widen(Lanes::narrow(x.a)), Lanes::widen(Lanes::narrow(x.b))}; }
// The larger, where one is a NaN the second.
inline Lanes maximum(Lanes x, Lanes y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }

}  // namespace
