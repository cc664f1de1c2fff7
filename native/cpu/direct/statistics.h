// Sums by channel over the rows of a result, 32 channels at a time.
#pragma once

#include <immintrin.h>
#include <string.h>

#include "tile/bf16_values.h"
#include "tile/tile.h"

namespace {

inline __m512d widen(__m512 x, int half) { return _mm512_cvtps_pd(half ? _mm512_extractf32x8_ps(x, 1) : _mm512_castps512_ps256(x)); }

// Two sums of 32 channels in double precision: means and centred second moments, or sums and sums of products.
struct Statistics {
    double* first;
    double* second;

    void clear() const {
        memset(first, 0, crn::tile::kFilters * sizeof(double));
        memset(second, 0, crn::tile::kFilters * sizeof(double));
    }

    // Takes the moments of some rows into those of `before` others: Chan, Golub and LeVeque, "Updating formulae and a pairwise
    // algorithm for computing sample variances", 1979.
    void add_moments(const float* rows, int64_t count, double before) const {
        __m512 sum[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()}, square[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
        for (int64_t r = 0; r < count; r++)
            for (int i = 0; i < 2; i++)
                sum[i] = _mm512_add_ps(sum[i], at(rows, r, i));
        const __m512 one = _mm512_set1_ps(1 / float(count));
        for (int i = 0; i < 2; i++)
            sum[i] = _mm512_mul_ps(sum[i], one);
        for (int64_t r = 0; r < count; r++)
            for (int i = 0; i < 2; i++) {
                const __m512 distance = _mm512_sub_ps(at(rows, r, i), sum[i]);
                square[i] = _mm512_fmadd_ps(distance, distance, square[i]);
            }
        const double share = double(count) / (before + double(count));
        for (int i = 0; i < 4; i++)
            combine(i, widen(sum[i / 2], i % 2), widen(square[i / 2], i % 2), share, before * share);
    }

    // Takes the moments of `count` rows into those of `before` others.
    void combine(const Statistics& other, double count, double before) const {
        const double share = count / (before + count);
        for (int i = 0; i < 4; i++)
            combine(i, _mm512_loadu_pd(other.first + i * 8), _mm512_loadu_pd(other.second + i * 8), share, before * share);
    }

    // Sums of rows, and of their products with rows of x that `mean` is taken from.
    void add_products(const float* rows, const uint16_t* x, int64_t x_row, const float* mean, int64_t count) const {
        __m512 sum[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()}, product[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
        const __m512 means[2] = {_mm512_loadu_ps(mean), _mm512_loadu_ps(mean + 16)};
        for (int64_t r = 0; r < count; r++, x += x_row)
            for (int i = 0; i < 2; i++) {
                const __m512 row = at(rows, r, i);
                sum[i] = _mm512_add_ps(sum[i], row);
                product[i] = _mm512_fmadd_ps(row, _mm512_sub_ps(load(x + i * 16), means[i]), product[i]);
            }
        for (int i = 0; i < 4; i++)
            add(i, widen(sum[i / 2], i % 2), widen(product[i / 2], i % 2));
    }

    void add(const Statistics& other) const {
        for (int i = 0; i < 4; i++)
            add(i, _mm512_loadu_pd(other.first + i * 8), _mm512_loadu_pd(other.second + i * 8));
    }

private:
    static __m512 at(const float* rows, int64_t row, int half) { return _mm512_load_ps(rows + row * crn::tile::kFilters + half * 16); }

    void combine(int eighth, __m512d other_mean, __m512d other_moment, double share, double weight) const {
        double *const mean_at = first + eighth * 8, *const moment_at = second + eighth * 8;
        const __m512d old = _mm512_loadu_pd(mean_at), distance = _mm512_sub_pd(other_mean, old);
        _mm512_storeu_pd(mean_at, _mm512_fmadd_pd(distance, _mm512_set1_pd(share), old));
        const __m512d sum = _mm512_add_pd(_mm512_loadu_pd(moment_at), other_moment);
        _mm512_storeu_pd(moment_at, _mm512_fmadd_pd(_mm512_mul_pd(distance, distance), _mm512_set1_pd(weight), sum));
    }

    void add(int eighth, __m512d to_first, __m512d to_second) const {
        double *const first_at = first + eighth * 8, *const second_at = second + eighth * 8;
        _mm512_storeu_pd(first_at, _mm512_add_pd(_mm512_loadu_pd(first_at), to_first));
        _mm512_storeu_pd(second_at, _mm512_add_pd(_mm512_loadu_pd(second_at), to_second));
    }
};

}  // namespace
