// A bottleneck depth first, for the Tile that was included before.
#pragma once

#include <omp.h>
#include <string.h>

#include <algorithm>

#include "bottleneck/bottleneck.h"
#include "tile/bf16_values.h"
#include "tile/segments.h"

namespace {

using crn::bottleneck::Blocking;
using crn::bottleneck::Operands;
using namespace crn::tile;

alignas(kAlignment) constexpr float kZeros[kFilters] = {};

// Where positions lie, from the first row of the first image.
struct Places {
    int64_t image_bytes, row_bytes, column_bytes;

    int64_t at(int64_t image, int64_t row, int64_t column) const {
        return image * image_bytes + row * row_bytes + column * column_bytes;
    }
};

// bias and ReLU, to bf16: one block of channels of what the next convolution reads.
struct Inner {
    char* to;
    int64_t plane_bytes;

    char* panel(int64_t i) const { return to + i * plane_bytes; }
    void fetch(const char*) const {}
    void write(char* row, __m512 low, __m512 high, const float* bias) const {
        const __m512 zero = _mm512_setzero_ps();
        low = _mm512_max_ps(zero, _mm512_add_ps(low, _mm512_loadu_ps(bias)));
        high = _mm512_max_ps(zero, _mm512_add_ps(high, _mm512_loadu_ps(bias + 16)));
        _mm512_store_si512(row, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
};

// bias, what is added, perhaps ReLU, to bf16: rows of y.
struct Outer {
    char* y;
    int64_t other;  // bytes from y to what is added
    bool adds;
    __m512 floor;

    char* panel(int64_t i) const { return y + i * kRowBytes; }
    void fetch(const char* row) const {
        if (adds)
            _mm_prefetch(row + other, _MM_HINT_T0);
        __builtin_prefetch(row, 1, 3);
    }
    void write(char* row, __m512 low, __m512 high, const float* bias) const {
        low = _mm512_add_ps(low, _mm512_loadu_ps(bias));
        high = _mm512_add_ps(high, _mm512_loadu_ps(bias + 16));
        if (adds) {
            const __m512i sum = _mm512_loadu_si512(row + other);
            low = _mm512_add_ps(low, widen(_mm512_castsi512_si256(sum)));
            high = _mm512_add_ps(high, widen(_mm512_extracti64x4_epi64(sum, 1)));
        }
        _mm512_storeu_si512(row, (__m512i)_mm512_cvtne2ps_pbh(_mm512_max_ps(floor, high), _mm512_max_ps(floor, low)));
    }
};

// What a later band reads, fetched while this one is multiplied.
struct Later {
    const char* at;
    int64_t lines;

    void fetch(int64_t begin, int64_t end) const {
        for (end = std::min(end, lines); begin < end; begin++)
            _mm_prefetch(at + begin * kRowBytes, _MM_HINT_T1);
    }
};

// One of the three on one band.
struct Convolution {
    Operand a;
    const char* panels;
    int64_t panel_count;
    const float* bias;
    int64_t rows;  // of an image
    Segments segments;
    Places from, to;

    int64_t units() const { return panel_count * segments.groups; }

    // Units [begin, end): panels of filters outside, groups of segments inside.
    template <class Epilogue>
    void run(Tile& tile, const Epilogue& epilogue, const Later& later, int64_t begin, int64_t end) const {
        if (begin == end)
            return;
        const int64_t steps = a.tap_count * a.blocks, panel_bytes = steps * 2 * kHalfBytes;
        const int64_t panel_lines = 2 * kHalfBytes / kRowBytes, lines = ceil_div(panel_lines, segments.groups);
        const int64_t later_lines = ceil_div(later.lines, units());
        for (int64_t unit = begin; unit < end; unit++) {
            const int64_t panel = unit / segments.groups, group = unit % segments.groups;
            const int64_t first = group * segments.per_group, count = std::min(segments.per_group, segments.count - first);
            int64_t starts[2];
            char* written[2][Tile::kSegmentRows];
            for (int64_t i = 0; i < count; i++)
                starts[i] = place(epilogue, panel, first + i, written[i]);
            later.fetch(unit * later_lines, (unit + 1) * later_lines);
            // The next panel, a part of it with every group of this one.
            const char* filters = panels + panel * panel_bytes;
            const Ahead ahead{filters + panel_bytes + group * lines * steps * kRowBytes, group * lines < panel_lines ? lines : 0};
            const float* panel_bias = bias ? bias + panel * kFilters : kZeros;
            tile.multiply(a, starts, count, segments.length, filters, ahead,
                [&](int64_t i, int64_t r, __m512 low, __m512 high) __attribute__((always_inline)) {
                    if (char* row = written[i][r])
                        epilogue.write(row, low, high, panel_bias);
                });
        }
    }

private:
    // Where a segment is read, and where its rows are written: null for those that are not.
    template <class Epilogue>
    int64_t place(const Epilogue& epilogue, int64_t panel, int64_t segment, char** written) const {
        const int64_t row = segment / segments.per_line * segments.run, image = row / rows;
        const int64_t column = segment % segments.per_line * segments.length;
        const int64_t start = std::min(column, segments.width - segments.length), skipped = column - start;
        int64_t line = row % rows + start / segments.pitch, at = start % segments.pitch;
        char* to_row = epilogue.panel(panel) + to.at(image, line, 0);
        for (int64_t r = 0; r < segments.length; r++) {
            written[r] = r < skipped || at >= segments.columns ? nullptr : to_row + at * to.column_bytes;
            if (written[r])
                epilogue.fetch(written[r]);
            if (++at == segments.pitch) {
                at = 0;
                to_row += to.row_bytes;
            }
        }
        return from.at(image, row % rows, start);
    }
};

// Rows of y: all of `images` images, or some of one, of which the first rows in the 3x3's input are there already.
struct Band {
    int64_t image, images, row, rows, kept;
};

// One thread's part in bands: the whole of them, or a share of each where all threads work on them together.
class Worker {
public:
    Worker(const crn_bottleneck_problem& p, const Blocking& cut, const Operands& operands, char* buffers, int64_t member, int64_t members)
        : p_(p), cut_(cut), o_(operands), x_(buffers), v1_(x_ + cut.x_bytes()), v2_(v1_ + cut.v1_bytes()), member_(member), members_(members) {}

    // Rows [begin, end) of all images' rows of y.
    void run(int64_t begin, int64_t end) {
        Band band = at(begin, end);
        while (band.rows > 0) {
            begin += band.images * band.rows;
            Band next = at(begin, end);
            if (next.row > 0)
                next.kept = cut_.halo;
            run(band, next);
            last_rows_ = band.rows;
            band = next;
        }
    }

private:
    // The band that begins there; without rows at the end.
    Band at(int64_t begin, int64_t end) const {
        Band band{begin / cut_.p, 1, begin % cut_.p, std::min({cut_.band_rows, cut_.p - begin % cut_.p, end - begin}), 0};
        if (band.rows == cut_.p)
            band.images = std::min(cut_.band_images, (end - begin) / cut_.p);
        return band;
    }

    // Rows of the first convolution's result that a band has to compute.
    struct NewRows {
        int64_t top, begin, end;  // the first that the 3x3 reads, which may be above the image; those to compute
    };

    NewRows new_rows(const Band& band) const {
        const int64_t top = band.row * cut_.stride - 1;
        return {top, std::max<int64_t>(0, top + band.kept), std::min(cut_.h1, top + cut_.v1_rows(band.rows))};
    }

    const char* x_row(int64_t image, int64_t row) const {
        return reinterpret_cast<const char*>(o_.x) + (image * p_.h + row * p_.outer_stride) * p_.w * p_.c * 2;
    }

    // What a band reads of x, in two halves.
    Later input(const Band& band, int64_t half) const {
        if (band.rows == 0 || p_.outer_stride != 1)
            return {nullptr, 0};
        const NewRows rows = new_rows(band);
        const int64_t positions = ((band.images - 1) * p_.h + rows.end - rows.begin) * p_.w;
        const int64_t lines = ceil_div(positions * p_.c * 2, 2 * kRowBytes);
        return {x_row(band.image, rows.begin) + half * lines * kRowBytes, lines};
    }

    void run(const Band& band, const Band& next) {
        const int64_t v1_rows = cut_.v1_rows(band.rows), v1_row_bytes = cut_.v1_width() * kRowBytes;
        const auto [top, begin, end] = new_rows(band);
        const int64_t new_count = end - begin, v1_image_bytes = v1_rows * v1_row_bytes;
        const bool has_top = top < 0, has_bottom = top + v1_rows > cut_.h1;

        each(cut_.mid_blocks, [&](int64_t i, int64_t j) {
            for (int64_t block = i; block < j; block++)
                frame(band, v1_ + block * cut_.v1_plane, v1_rows, has_top, has_bottom);
        });
        const int64_t here = 0, position_bytes = int64_t(p_.c) * 2, stride = p_.outer_stride;
        Operand x{x_row(band.image, begin), kRowBytes, cut_.in_blocks, &here, 1, stride * position_bytes};
        Places x_places{p_.h * p_.w * position_bytes, stride * p_.w * position_bytes, stride * position_bytes};
        int64_t x_pitch = stride == 1 ? cut_.w1 : 0;
        if (cut_.gathers) {
            each(band.images * new_count, [&](int64_t i, int64_t j) {
                for (int64_t line = i; line < j; line++)
                    gather(band.image + line / new_count, begin + line % new_count, line);
            });
            x = {x_, cut_.x_plane, cut_.in_blocks, &here, 1, kRowBytes};
            x_places = {new_count * cut_.w1 * kRowBytes, cut_.w1 * kRowBytes, kRowBytes};
            x_pitch = cut_.w1;
        }
        wait();

        const char* panels = o_.packed;
        const Convolution first{x, panels, cut_.mid_blocks, o_.biases[0], new_count,
                                Segments(band.images, new_count, cut_.w1, x_pitch), x_places,
                                {v1_image_bytes, v1_row_bytes, kRowBytes}};
        const Inner to_v1{v1_ + (begin - top) * v1_row_bytes + kRowBytes, cut_.v1_plane};
        each(first.units(), [&](int64_t i, int64_t j) { first.run(tile_, to_v1, {nullptr, 0}, i, j); });
        wait();

        int64_t taps[9];
        for (int64_t tap = 0; tap < 9; tap++)
            taps[tap] = tap / 3 * v1_row_bytes + tap % 3 * kRowBytes;
        panels += cut_.filter_bytes(0);
        const Convolution second{{v1_, cut_.v1_plane, cut_.mid_blocks, taps, 9, cut_.stride * kRowBytes}, panels, cut_.mid_blocks, o_.biases[1],
                                 band.rows, Segments(band.images, band.rows, cut_.q, cut_.stride == 1 ? cut_.v1_width() : 0),
                                 {v1_image_bytes, cut_.stride * v1_row_bytes, cut_.stride * kRowBytes},
                                 {band.rows * cut_.q * kRowBytes, cut_.q * kRowBytes, kRowBytes}};
        const Inner to_v2{v2_, cut_.v2_plane};
        each(second.units(), [&](int64_t i, int64_t j) { second.run(tile_, to_v2, input(next, 0), i, j); });
        wait();

        panels += cut_.filter_bytes(1);
        const int64_t y_row = int64_t(p_.k) * 2, y_first = (band.image * cut_.p + band.row) * cut_.q * y_row;
        const Convolution third{{v2_, cut_.v2_plane, cut_.mid_blocks, &here, 1, kRowBytes}, panels, cut_.out_blocks, o_.biases[2], 1,
                                Segments(1, 1, band.images * band.rows * cut_.q, 0), {0, 0, kRowBytes}, {0, 0, y_row}};
        const Outer to_y{reinterpret_cast<char*>(o_.y) + y_first,
                         o_.other ? reinterpret_cast<const char*>(o_.other) - reinterpret_cast<const char*>(o_.y) : 0,
                         o_.other != nullptr, o_.relu ? _mm512_setzero_ps() : _mm512_set1_ps(-__builtin_inff())};
        each(third.units(), [&](int64_t i, int64_t j) { third.run(tile_, to_y, input(next, 1), i, j); });
    }

    // One block of channels of the 3x3's input, but for what the first convolution writes: the rows that the band before
    // has left at the end, and zeros around the image.
    void frame(const Band& band, char* plane, int64_t v1_rows, bool has_top, bool has_bottom) const {
        const int64_t row_bytes = cut_.v1_width() * kRowBytes;
        if (band.kept > 0)
            memmove(plane, plane + (cut_.v1_rows(last_rows_) - band.kept) * row_bytes, band.kept * row_bytes);
        for (int64_t image = 0; image < band.images; image++, plane += v1_rows * row_bytes) {
            if (has_top)
                memset(plane, 0, row_bytes);
            if (has_bottom)
                memset(plane + (v1_rows - 1) * row_bytes, 0, row_bytes);
            for (int64_t row = 0; row <= v1_rows; row++)
                memset(plane + row * row_bytes, 0, kRowBytes);
        }
    }

    // A line of x that the first convolution reads, from NHWC to blocks of channels.
    void gather(int64_t image, int64_t row, int64_t line) const {
        const int64_t step = int64_t(p_.outer_stride) * p_.c;
        const uint16_t* from = o_.x + (image * p_.h + row * p_.outer_stride) * p_.w * p_.c;
        char* to = x_ + line * cut_.w1 * kRowBytes;
        for (int64_t column = 0; column < cut_.w1; column++, from += step, to += kRowBytes)
            for (int64_t block = 0; block < cut_.in_blocks; block++)
                _mm512_store_si512(to + block * cut_.x_plane, _mm512_loadu_si512(from + block * kChannels));
    }

    // OpenMP may grant fewer threads than asked for; the slices stay the same.
    template <class Work>
    void each(int64_t units, const Work& work) const {
        if (!cut_.shared)
            work(0, units);
        else
            for (int64_t slice = member_; slice < cut_.threads; slice += members_)
                work(units * slice / cut_.threads, units * (slice + 1) / cut_.threads);
    }

    void wait() const {
        if (cut_.shared) {
#pragma omp barrier
        }
    }

    const crn_bottleneck_problem& p_;
    const Blocking& cut_;
    const Operands& o_;
    char *x_, *v1_, *v2_;
    int64_t member_, members_;
    int64_t last_rows_ = 0;
    Tile tile_;
};

struct Bottleneck {
    const crn_bottleneck_problem& p;
    const Blocking& cut;
    const Operands& operands;

    void run() const {
        const int64_t rows = p.n * cut.p;
#pragma omp parallel num_threads(int(cut.threads))
        {
            const int64_t member = omp_get_thread_num(), members = omp_get_num_threads();
            char* buffers = operands.workspace + (cut.shared ? 0 : member * cut.buffer_bytes());
            Worker worker(p, cut, operands, buffers, member, members);
            if (cut.shared)
                worker.run(0, rows);
            else
                for (int64_t slice = member; slice < cut.threads; slice += members)
                    worker.run(rows * slice / cut.threads, rows * (slice + 1) / cut.threads);
        }
    }
};

}  // namespace
