// Sixteen floats in two registers.
#pragma once

#include <immintrin.h>

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
// A NaN stays a NaN: vmaxps gives its second operand where one is a NaN.
inline Lanes relu(Lanes x) {
    const __m256 zero = _mm256_setzero_ps();
    return {_mm256_max_ps(zero, x.a), _mm256_max_ps(zero, x.b)};
}

}  // namespace
