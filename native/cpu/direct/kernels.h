// A convolution on bf16, for the Tile that was included before: one translation unit per instruction set.
#pragma once

#include <immintrin.h>
#include <omp.h>

#include "direct/direct.h"
#include "direct/rows.h"
#include "direct/statistics.h"
#include "tile/segments.h"

namespace {

using namespace crn::tile;
using crn::direct::Blocking;

// Neighbouring units of one image, and where their first position lies in the planes. Of a 1x1 filter all units of a band.
struct Piece {
    int64_t first_unit, units, position;
};

class Direct {
public:
    Direct(const crn_direct_problem& p, const crn_direct_operands& at, char* workspace)
        : p_(p), cut_(p), at_(at), workspace_(workspace), packed_(reinterpret_cast<const char*>(at.packed)),
          epilogue_(at, p.k, cut_.units * cut_.unit_outputs),
          in_place_(cut_.is_pointwise && p.stride == 1 && !at.input.scale && p.c <= kMostInPlace) {}

    void run() const {
        // OpenMP may grant fewer threads than asked for; the slices stay the same.
#pragma omp parallel num_threads(int(cut_.threads))
        {
            const int64_t member = omp_get_thread_num(), members = omp_get_num_threads();
            Tile tile;
            if (cut_.by_panels) {
                for (int64_t slice = member; slice < cut_.threads && !in_place_; slice += members)
                    place(workspace_, 0, cut_.units, cut_.unit_begin(slice), cut_.unit_begin(slice + 1));
#pragma omp barrier
                for (int64_t slice = member; slice < cut_.threads; slice += members)
                    multiply(tile, workspace_, 0, cut_.units, cut_.panel_begin(slice), cut_.panel_begin(slice + 1), 0, 0, nullptr);
            } else {
                char* planes = workspace_ + member * cut_.planes_bytes();
                for (int64_t slice = member; slice < cut_.threads; slice += members)
                    run_slice(tile, planes, slice);
            }
            _mm_sfence();  // behind stores that passed the caches by
            if (at_.first) {
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
            if (!in_place_)
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
                bring(planes + (unit - first) * kRowBytes, p_.stride == 1 ? at_.x + unit * p_.c : input_of(unit), true);
            return;
        }
        for_pieces(first, last, [&](const Piece& piece) {
            const int64_t from = begin > piece.first_unit ? begin : piece.first_unit;
            const int64_t to = end < piece.first_unit + piece.units ? end : piece.first_unit + piece.units;
            if (from >= to)
                return;
            // The last share brings the rows below as well, which are the first ones of the next band.
            const bool is_last = to == piece.first_unit + piece.units, is_end = to % cut_.p_extent == 0;
            const int64_t row_begin = (from - piece.first_unit) * p_.stride;
            const int64_t own_end = (to - piece.first_unit) * p_.stride;
            const int64_t row_end = is_last ? (piece.units - 1) * p_.stride + p_.r : own_end;
            const int64_t image = piece.first_unit / cut_.p_extent, top = piece.first_unit % cut_.p_extent * p_.stride - p_.pad;
            for (int64_t row = row_begin; row < row_end; row++) {
                char* at = planes + (piece.position + row * cut_.width) * kRowBytes;
                const bool inside = uint64_t(top + row) < uint64_t(p_.h), owned = is_end || row < own_end;
                const uint16_t* x = at_.x + (image * p_.h + top + row) * p_.w * p_.c;
                for (int64_t column = -p_.pad; column < p_.w + p_.pad; column++, at += kRowBytes)
                    if (inside && uint64_t(column) < uint64_t(p_.w))
                        bring(at, x + column * p_.c, owned);
                    else
                        clear(at);
            }
        });
    }

    void clear(char* to) const {
        for (int64_t block = 0; block < cut_.in_blocks; block++, to += cut_.plane_bytes)
            _mm512_store_si512(to, _mm512_setzero_si512());
    }

    // One position; keeps what it becomes where `owned`.
    void bring(char* to, const uint16_t* from, bool owned) const {
        if (!at_.input.scale) {
            for (int64_t block = 0; block < cut_.in_blocks; block++, to += cut_.plane_bytes)
                _mm512_store_si512(to, _mm512_loadu_si512(from + block * kChannels));
            return;
        }
        const int64_t offset = from - at_.x;
        for (int64_t c = 0; c < p_.c; c += kChannels, to += cut_.plane_bytes) {
            __m512 value[2];
            for (int i = 0; i < 2; i++) {
                const int64_t at = c + i * 16;
                const __m512 distance = _mm512_sub_ps(load(from + at), _mm512_loadu_ps(at_.input.mean + at));
                value[i] = _mm512_fmadd_ps(distance, _mm512_loadu_ps(at_.input.scale + at), _mm512_loadu_ps(at_.input.shift + at));
                if (at_.input.other)
                    value[i] = _mm512_add_ps(value[i], load(at_.input.other + offset + at));
                value[i] = _mm512_max_ps(_mm512_setzero_ps(), value[i]);
            }
            const __m512i rounded = (__m512i)_mm512_cvtne2ps_pbh(value[1], value[0]);
            _mm512_store_si512(to, rounded);
            if (owned && at_.input.y)
                _mm512_storeu_si512(at_.input.y + offset + c, rounded);
        }
    }

    // Panels [panel, panel_end) over the band of units [first, end). units_before: of the slice, before the band.
    void multiply(Tile& tile, const char* planes, int64_t first, int64_t end, int64_t panel, int64_t panel_end, int64_t slice,
                  int64_t units_before, const uint16_t* next) const {
        int64_t taps[kMostTaps];
        for (int64_t tap = 0; tap < cut_.taps; tap++)
            taps[tap] = (tap / p_.s * cut_.width + tap % p_.s) * kRowBytes;
        const int64_t stride = cut_.is_pointwise ? 1 : p_.stride;
        Operand a{planes, cut_.plane_bytes, cut_.in_blocks, taps, cut_.taps, stride * kRowBytes};
        if (in_place_) {
            a.rows = reinterpret_cast<const char*>(at_.x + first * p_.c);
            a.plane_bytes = kRowBytes;
            a.row_bytes = p_.c * 2;
        }
        const int64_t steps = cut_.in_blocks * cut_.taps, bytes = steps * 2 * kHalfBytes;
        const int64_t most_rows = Tile::kSegmentRows * Tile::segments(Tile::kSegmentRows);
        const int64_t calls = (panel_end - panel) * ceil_div((end - first) * cut_.unit_outputs, most_rows);
        const int64_t position_bytes = in_place_ ? a.row_bytes : kRowBytes;
        Rows rows;
        Ahead ahead{reinterpret_cast<const char*>(next), 0};
        if (next)
            ahead.lines = ceil_div((end - first) * cut_.unit_outputs * p_.stride * p_.stride * p_.c * 2, kRowBytes * calls * steps);
        for (; panel < panel_end; panel++) {
            const int64_t channel = panel * kFilters;
            const Statistics statistics = statistics_of(slice, panel);
            double before = double(units_before * cut_.unit_outputs);
            if (at_.first && before == 0)
                statistics.clear();
            for_pieces(first, end, [&](const Piece& piece) {
                const int64_t lines = cut_.is_pointwise ? 1 : piece.units;
                const Segments segments(1, lines, cut_.is_pointwise ? piece.units : cut_.q_extent, 0);
                int64_t line = 0, segment = 0;
                while (line < lines) {
                    int64_t starts[2];
                    for (rows.count = 0; rows.count < segments.per_group && line < lines; rows.count++) {
                        const int64_t column = segment * segments.length, last = segments.width - segments.length;
                        const int64_t start = column < last ? column : last;
                        starts[rows.count] = (piece.position + line * stride * cut_.width + start * stride) * position_bytes;
                        rows.to[rows.count] = ((piece.first_unit + line) * cut_.unit_outputs + column) * p_.k + channel;
                        rows.rows[rows.count] = segments.length - (column - start);
                        rows.from[rows.count] = rows.count * segments.length + column - start;
                        epilogue_.fetch(rows.to[rows.count], rows.rows[rows.count]);
                        if (++segment == segments.per_line) {
                            segment = 0;
                            line++;
                        }
                    }
                    float* sums = rows.sums;
                    tile.multiply(a, starts, rows.count, segments.length, packed_ + panel * bytes, ahead,
                        [&](int64_t i, int64_t r, __m512 low, __m512 high) __attribute__((always_inline)) {
                            _mm512_store_ps(sums + (i * segments.length + r) * kFilters, low);
                            _mm512_store_ps(sums + (i * segments.length + r) * kFilters + 16, high);
                        });
                    ahead.at += ahead.lines * steps * kRowBytes;
                    epilogue_.write(rows, channel);
                    if (at_.first)
                        epilogue_.add(statistics, rows, channel, before);
                    before += double(rows.written);
                }
            });
        }
    }

    Statistics statistics_of(int64_t slice, int64_t panel) const {
        char* slices = workspace_ + (cut_.by_panels ? 1 : cut_.threads) * cut_.planes_bytes();
        double* values = reinterpret_cast<double*>(slices + slice * cut_.statistics_bytes()) + panel * 2 * kFilters;
        return {values, values + kFilters};
    }

    // The statistics of a panel, from those of all slices in their order.
    void conclude(int64_t panel) const {
        const Statistics whole{at_.first + panel * kFilters, at_.second + panel * kFilters};
        whole.clear();
        double before = 0;
        for (int64_t slice = 0; slice < (cut_.by_panels ? 1 : cut_.threads); slice++) {
            const int64_t units = cut_.by_panels ? cut_.units : cut_.unit_begin(slice + 1) - cut_.unit_begin(slice);
            if (units == 0)
                continue;
            const double count = double(units * cut_.unit_outputs);
            if (at_.norm_x)
                whole.add(statistics_of(slice, panel));
            else
                whole.combine(statistics_of(slice, panel), count, before);
            before += count;
        }
    }

    static constexpr int64_t kMostTaps = 49;
    // Channels of positions that products read where they lie in x. Wider ones fall into few sets of the first cache.
    static constexpr int64_t kMostInPlace = 512;

    const crn_direct_problem& p_;
    const Blocking cut_;
    const crn_direct_operands& at_;
    char* const workspace_;
    const char* const packed_;
    const Epilogue epilogue_;
    const bool in_place_;
};

}  // namespace
