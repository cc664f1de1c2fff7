// Sixteen floats in one register.
#pragma once

#include <immintrin.h>

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
    void store(float* p) const { _mm512_storeu_ps(p, v); }
    void store(float* p, unsigned mask) const { _mm512_mask_storeu_ps(p, __mmask16(mask), v); }
};

inline Lanes operator+(Lanes a, Lanes b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Lanes operator-(Lanes a, Lanes b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Lanes operator*(Lanes a, Lanes b) { return {_mm512_mul_ps(a.v, b.v)}; }
// a * b + c, rounded once.
inline Lanes fma(Lanes a, Lanes b, Lanes c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
// A NaN stays a NaN: vmaxps gives its second operand where one is a NaN.
inline Lanes relu(Lanes a) { return {_mm512_max_ps(_mm512_setzero_ps(), a.v)}; }

}  // namespace
