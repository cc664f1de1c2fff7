// A convolution on bf16, for the Tile that was included before: one translation unit per instruction set.
#pragma once

#include <immintrin.h>
#include <omp.h>
#include <string.h>

#include "direct/direct.h"

namespace {

using namespace crn::tile;
using crn::direct::Blocking;
using crn::direct::Operands;

// Neighbouring units of one image, and where their first position lies in the planes. Of a 1x1 filter all units of a band.
struct Piece {
    int64_t first_unit, units, position;
};

// Means and centred second moments of 32 channels, and how those of some more rows are taken into them: Chan, Golub and
// LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
struct Moments {
    double* mean;
    double* moment;

    static void clear(double* values) { memset(values, 0, kFilters * sizeof(double)); }

    void add(const float* rows, int64_t count, double before) const {
        __m512 sum[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()}, square[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
        for (int64_t r = 0; r < count; r++)
            for (int i = 0; i < 2; i++)
                sum[i] = _mm512_add_ps(sum[i], _mm512_load_ps(rows + r * kFilters + i * 16));
        const __m512 one = _mm512_set1_ps(1 / float(count));
        for (int i = 0; i < 2; i++)
            sum[i] = _mm512_mul_ps(sum[i], one);
        for (int64_t r = 0; r < count; r++)
            for (int i = 0; i < 2; i++) {
                const __m512 distance = _mm512_sub_ps(_mm512_load_ps(rows + r * kFilters + i * 16), sum[i]);
                square[i] = _mm512_fmadd_ps(distance, distance, square[i]);
            }
        const double share = double(count) / (before + double(count));
        for (int i = 0; i < 4; i++)
            combine(i, widen(sum[i / 2], i % 2), widen(square[i / 2], i % 2), share, before * share);
    }

    void combine(int eighth, __m512d other_mean, __m512d other_moment, double share, double weight) const {
        double* const mean_at = mean + eighth * 8;
        double* const moment_at = moment + eighth * 8;
        const __m512d old = _mm512_loadu_pd(mean_at), distance = _mm512_sub_pd(other_mean, old);
        _mm512_storeu_pd(mean_at, _mm512_fmadd_pd(distance, _mm512_set1_pd(share), old));
        const __m512d sum = _mm512_add_pd(_mm512_loadu_pd(moment_at), other_moment);
        _mm512_storeu_pd(moment_at, _mm512_fmadd_pd(_mm512_mul_pd(distance, distance), _mm512_set1_pd(weight), sum));
    }

    static __m512d widen(__m512 x, int half) {
        return _mm512_cvtps_pd(half ? _mm512_extractf32x8_ps(x, 1) : _mm512_castps512_ps256(x));
    }
};

__m512 widen(__m256i bf16) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bf16), 16)); }

class Direct {
public:
    Direct(const crn_direct_problem& p, const Operands& at) : p_(p), cut_(p), at_(at) {}

    void run() const {
        // OpenMP may grant fewer threads than asked for; the slices stay the same.
#pragma omp parallel num_threads(int(cut_.threads))
        {
            const int64_t member = omp_get_thread_num(), members = omp_get_num_threads();
            Tile tile;
            if (cut_.by_panels) {
                for (int64_t slice = member; slice < cut_.threads; slice += members)
                    place(at_.workspace, 0, cut_.units, cut_.unit_begin(slice), cut_.unit_begin(slice + 1));
#pragma omp barrier
                for (int64_t slice = member; slice < cut_.threads; slice += members)
                    multiply(tile, at_.workspace, 0, cut_.units, cut_.panel_begin(slice), cut_.panel_begin(slice + 1), 0, 0, nullptr);
            } else {
                char* planes = at_.workspace + member * cut_.planes_bytes();
                for (int64_t slice = member; slice < cut_.threads; slice += members)
                    run_slice(tile, planes, slice);
            }
            if (at_.mean) {
#pragma omp barrier
                for (int64_t slice = member; slice < cut_.threads; slice += members)
                    for (int64_t panel = cut_.panel_begin(slice); panel < cut_.panel_begin(slice + 1); panel++)
                        conclude(panel);
            }
        }
    }

private:
    void run_slice(Tile& tile, char* planes, int64_t slice) const {
        const int64_t begin = cut_.unit_begin(slice), end = cut_.unit_begin(slice + 1);
        const int64_t bands = ceil_div(end - begin, cut_.band_units);
        for (int64_t b = 0; b < bands; b++) {
            const int64_t first = begin + (end - begin) * b / bands, after = begin + (end - begin) * (b + 1) / bands;
            place(planes, first, after, first, after);
            multiply(tile, planes, first, after, 0, cut_.panels, slice, first - begin, b + 1 < bands ? input_of(after) : nullptr);
        }
    }

    const uint16_t* input_of(int64_t unit) const {
        const int64_t output = unit * cut_.unit_outputs, image = output / (cut_.p_extent * cut_.q_extent);
        const int64_t row = output / cut_.q_extent % cut_.p_extent * p_.stride, column = output % cut_.q_extent * p_.stride;
        return at_.x + ((image * p_.h + row) * p_.w + column) * p_.c;
    }

    // f(piece) for the band that begins at `first`.
    template <class F>
    void for_pieces(int64_t first, int64_t end, F f) const {
        if (cut_.is_pointwise)
            return f(Piece{first, end - first, 0});
        int64_t position = 0;
        for (int64_t unit = first; unit < end;) {
            const int64_t count = end - unit < cut_.p_extent - unit % cut_.p_extent ? end - unit : cut_.p_extent - unit % cut_.p_extent;
            f(Piece{unit, count, position});
            position += ((count - 1) * p_.stride + p_.r) * cut_.width;
            unit += count;
        }
    }

    // Brings what units [begin, end) of the band from `first` on read into its place in the planes.
    void place(char* planes, int64_t first, int64_t last, int64_t begin, int64_t end) const {
        if (cut_.is_pointwise) {
            for (int64_t unit = begin; unit < end; unit++)
                copy(planes + (unit - first) * kRowBytes, p_.stride == 1 ? at_.x + unit * p_.c : input_of(unit));
            return;
        }
        for_pieces(first, last, [&](const Piece& piece) {
            const int64_t from = begin > piece.first_unit ? begin : piece.first_unit;
            const int64_t to = end < piece.first_unit + piece.units ? end : piece.first_unit + piece.units;
            if (from >= to)
                return;
            // The last share brings the rows below as well.
            const bool is_last = to == piece.first_unit + piece.units;
            const int64_t row_begin = (from - piece.first_unit) * p_.stride;
            const int64_t row_end = is_last ? (piece.units - 1) * p_.stride + p_.r : (to - piece.first_unit) * p_.stride;
            const int64_t image = piece.first_unit / cut_.p_extent, top = piece.first_unit % cut_.p_extent * p_.stride - p_.pad;
            for (int64_t row = row_begin; row < row_end; row++) {
                char* at = planes + (piece.position + row * cut_.width) * kRowBytes;
                const bool inside = uint64_t(top + row) < uint64_t(p_.h);
                const uint16_t* x = at_.x + (image * p_.h + top + row) * p_.w * p_.c;
                for (int64_t column = -p_.pad; column < p_.w + p_.pad; column++, at += kRowBytes)
                    copy(at, inside && uint64_t(column) < uint64_t(p_.w) ? x + column * p_.c : nullptr);
            }
        });
    }

    void copy(char* to, const uint16_t* from) const {
        for (int64_t block = 0; block < cut_.in_blocks; block++, to += cut_.plane_bytes)
            _mm512_store_si512(to, from ? _mm512_loadu_si512(from + block * kChannels) : _mm512_setzero_si512());
    }

    // Panels [panel, panel_end) over the band of units [first, end). count: units of the slice before the band.
    void multiply(Tile& tile, const char* planes, int64_t first, int64_t end, int64_t panel, int64_t panel_end, int64_t slice,
                  int64_t units_before, const uint16_t* next) const {
        int64_t taps[kMostTaps];
        for (int64_t tap = 0; tap < cut_.taps; tap++)
            taps[tap] = (tap / p_.s * cut_.width + tap % p_.s) * kRowBytes;
        const int64_t bytes = panel_bytes(cut_.in_blocks * kChannels, cut_.taps);
        const int64_t calls = (panel_end - panel) * ceil_div((end - first) * cut_.unit_outputs, Tile::kRows);
        const int64_t ahead_bytes = next ? (end - first) * cut_.unit_outputs * p_.stride * p_.stride * p_.c * 2 : 0;
        Ahead ahead{reinterpret_cast<const char*>(next), ceil_div(ahead_bytes, 64 * calls)};
        alignas(64) float sums[Tile::kRows * kFilters];
        for (; panel < panel_end; panel++) {
            double* moments = reinterpret_cast<double*>(at_.workspace + (cut_.by_panels ? 1 : cut_.threads) * cut_.planes_bytes()
                                                        + slice * cut_.moments_bytes()) + panel * 2 * kFilters;
            const Moments statistics{at_.mean ? moments : nullptr, moments + kFilters};
            double before = double(units_before * cut_.unit_outputs);
            if (at_.mean && before == 0) {
                Moments::clear(moments);
                Moments::clear(moments + kFilters);
            }
            for_pieces(first, end, [&](const Piece& piece) {
                const int64_t rows = cut_.is_pointwise ? 1 : piece.units, columns = cut_.is_pointwise ? piece.units : cut_.q_extent;
                for (int64_t row = 0; row < rows; row++) {
                    const int64_t groups = ceil_div(columns, Tile::kRows);
                    for (int64_t g = 0; g < groups; g++) {
                        const int64_t q = columns * g / groups, count = columns * (g + 1) / groups - q;
                        const int64_t stride = cut_.is_pointwise ? 1 : p_.stride;
                        const Operand a{planes + (piece.position + row * stride * cut_.width + q * stride) * kRowBytes, cut_.plane_bytes,
                                        cut_.in_blocks, taps, cut_.taps, stride};
                        const int64_t to = ((piece.first_unit + row) * cut_.unit_outputs + q) * p_.k + panel * kFilters;
                        ahead.fetch();
                        fetch_outputs(to, count);
                        tile.multiply(a, count, at_.packed + panel * bytes, sums);
                        finish(sums, count, to, panel * kFilters);
                        if (at_.mean)
                            statistics.add(sums, count, before);
                        before += double(count);
                    }
                }
            });
        }
    }

    void fetch_outputs(int64_t to, int64_t rows) const {
        for (int64_t r = 0; r < rows; r++, to += p_.k) {
            if (at_.other) _mm_prefetch(reinterpret_cast<const char*>(at_.other + to), _MM_HINT_T0);
            if (at_.other != at_.y) __builtin_prefetch(at_.y + to, 1, 3);
        }
    }

    // Writes rows of results; leaves in the sums what was written, where statistics are asked for.
    void finish(float* sums, int64_t rows, int64_t to, int64_t channel) const {
        const __m512 floor = at_.relu ? _mm512_setzero_ps() : _mm512_set1_ps(-__builtin_inff());
        const __m512 bias0 = at_.bias ? _mm512_loadu_ps(at_.bias + channel) : _mm512_setzero_ps();
        const __m512 bias1 = at_.bias ? _mm512_loadu_ps(at_.bias + channel + 16) : _mm512_setzero_ps();
        for (int64_t r = 0; r < rows; r++, sums += kFilters, to += p_.k) {
            __m512 low = _mm512_add_ps(_mm512_load_ps(sums), bias0), high = _mm512_add_ps(_mm512_load_ps(sums + 16), bias1);
            if (at_.other) {
                const __m512i other = _mm512_loadu_si512(at_.other + to);
                low = _mm512_add_ps(low, widen(_mm512_castsi512_si256(other)));
                high = _mm512_add_ps(high, widen(_mm512_extracti64x4_epi64(other, 1)));
            }
            const __m512i rounded = (__m512i)_mm512_cvtne2ps_pbh(_mm512_max_ps(floor, high), _mm512_max_ps(floor, low));
            _mm512_storeu_si512(at_.y + to, rounded);
            if (at_.mean) {
                _mm512_store_ps(sums, widen(_mm512_castsi512_si256(rounded)));
                _mm512_store_ps(sums + 16, widen(_mm512_extracti64x4_epi64(rounded, 1)));
            }
        }
    }

    // The statistics of a panel, from those of all slices in their order.
    void conclude(int64_t panel) const {
        const char* slices = at_.workspace + (cut_.by_panels ? 1 : cut_.threads) * cut_.planes_bytes();
        const Moments whole{at_.mean + panel * kFilters, at_.moment + panel * kFilters};
        Moments::clear(whole.mean);
        Moments::clear(whole.moment);
        double before = 0;
        for (int64_t slice = 0; slice < (cut_.by_panels ? 1 : cut_.threads); slice++) {
            const int64_t units = cut_.by_panels ? cut_.units : cut_.unit_begin(slice + 1) - cut_.unit_begin(slice);
            if (units == 0)
                continue;
            const double* part = reinterpret_cast<const double*>(slices + slice * cut_.moments_bytes()) + panel * 2 * kFilters;
            const double count = double(units * cut_.unit_outputs), share = count / (before + count);
            for (int i = 0; i < 4; i++)
                whole.combine(i, _mm512_loadu_pd(part + i * 8), _mm512_loadu_pd(part + kFilters + i * 8), share, before * share);
            before += count;
        }
    }

    // The input of the next band is fetched a little with every product, so that memory and arithmetic work side by side.
    struct Ahead {
        const char* at;
        int64_t lines;

        void fetch() {
            for (int64_t line = 0; line < lines; line++, at += 64)
                _mm_prefetch(at, _MM_HINT_T1);
        }
    };

    static constexpr int64_t kMostTaps = 49;

    const crn_direct_problem& p_;
    const Blocking cut_;
    const Operands& at_;
};

}  // namespace
