// What becomes of the sums of one product's rows, for the Tile that was included before.
#pragma once

#include <immintrin.h>

#include "cudnnresnet_cpu.h"
#include "direct/statistics.h"
#include "tile/tile.h"

namespace {

// One or two segments of rows of y, 32 channels of each.
struct Rows {
    int64_t count = 0;
    int64_t to[2];    // the first value of each segment in y
    int64_t rows[2];  // of each
    int64_t from[2];  // the first of these among the sums
    int64_t written = 0;
    alignas(64) float sums[2 * Tile::kSegmentRows * crn::tile::kFilters];
};

inline __mmask16 positive(const uint16_t* values) { return _mm512_cmp_ps_mask(load(values), _mm512_setzero_ps(), _CMP_GT_OQ); }

class Epilogue {
    // Results from here on pass the caches by: that spares reading each line before it is written.
    static constexpr int64_t kStreamedBytes = 8 << 20;

public:
    Epilogue(const crn_direct_operands& at, int64_t row, int64_t positions)
        : at_(at), row_(row), streams_(at.other != at.y && positions * row * 2 >= kStreamedBytes) {
        const int form = (at.other ? 1 : 0) + (at.mask ? 2 : 0) + (at.first ? 4 : 0);
        constexpr Finish kForms[] = {finish<false, false, false>, finish<true, false, false>, finish<false, true, false>, finish<true, true, false>,
                                     finish<false, false, true>, finish<true, false, true>, finish<false, true, true>, finish<true, true, true>};
        finish_ = kForms[form];
    }

    // What write() reads and writes.
    void fetch(int64_t to, int64_t rows) const {
        if (!streams_)
            for (int64_t r = 0; r < rows; r++)
                __builtin_prefetch(at_.y + to + r * row_, 1, 3);
        if (at_.other && at_.other != at_.y) fetch(at_.other + to, rows);
        if (at_.mask) fetch(at_.mask + to, rows);
        if (at_.norm_x) fetch(at_.norm_x + to, rows);
    }

    // Where statistics are asked for, the sums become what was written, without gaps.
    void write(Rows& rows, int64_t channel) const { finish_(at_, row_, streams_, rows, channel); }

    void add(const Statistics& statistics, const Rows& rows, int64_t channel, double before) const {
        if (!at_.norm_x)
            return statistics.add_moments(rows.sums, rows.written, before);
        const float* written = rows.sums;
        for (int64_t i = 0; i < rows.count; i++) {
            statistics.add_products(written, at_.norm_x + rows.to[i], row_, at_.norm_mean + channel, rows.rows[i]);
            written += rows.rows[i] * crn::tile::kFilters;
        }
    }

private:
    using Finish = void (*)(const crn_direct_operands&, int64_t, bool, Rows&, int64_t);

    void fetch(const uint16_t* tensor, int64_t rows) const {
        for (int64_t r = 0; r < rows; r++, tensor += row_)
            _mm_prefetch(reinterpret_cast<const char*>(tensor), _MM_HINT_T0);
    }

    template <bool adds, bool masks, bool collects>
    static void finish(const crn_direct_operands& at, int64_t row, bool streams, Rows& rows, int64_t channel) {
        using crn::tile::kFilters;
        const __m512 floor = at.relu ? _mm512_setzero_ps() : _mm512_set1_ps(-__builtin_inff());
        const __m512 low_bias = at.bias ? _mm512_loadu_ps(at.bias + channel) : _mm512_setzero_ps();
        const __m512 high_bias = at.bias ? _mm512_loadu_ps(at.bias + channel + 16) : _mm512_setzero_ps();
        const uint16_t *const other = at.other, *const mask = at.mask;
        uint16_t* const y = at.y;
        float* written = rows.sums;
        for (int64_t i = 0; i < rows.count; i++) {
            const float* sums = rows.sums + rows.from[i] * kFilters;
            int64_t to = rows.to[i];
            for (int64_t r = rows.rows[i]; r > 0; r--, sums += kFilters, to += row) {
                __m512 low = _mm512_add_ps(_mm512_load_ps(sums), low_bias), high = _mm512_add_ps(_mm512_load_ps(sums + 16), high_bias);
                if (adds) {
                    low = _mm512_add_ps(low, load(other + to));
                    high = _mm512_add_ps(high, load(other + to + 16));
                }
                if (masks) {
                    low = _mm512_maskz_mov_ps(positive(mask + to), low);
                    high = _mm512_maskz_mov_ps(positive(mask + to + 16), high);
                }
                const __m512i rounded = (__m512i)_mm512_cvtne2ps_pbh(_mm512_max_ps(floor, high), _mm512_max_ps(floor, low));
                if (streams)
                    _mm512_stream_si512(reinterpret_cast<__m512i*>(y + to), rounded);
                else
                    _mm512_store_si512(y + to, rounded);
                if (collects) {
                    _mm512_store_ps(written, widen(_mm512_castsi512_si256(rounded)));
                    _mm512_store_ps(written + 16, widen(_mm512_extracti64x4_epi64(rounded, 1)));
                    written += kFilters;
                }
            }
        }
        rows.written = 0;
        for (int64_t i = 0; i < rows.count; i++)
            rows.written += rows.rows[i];
    }

    const crn_direct_operands& at_;
    const int64_t row_;
    const bool streams_;
    Finish finish_;
};

}  // namespace
