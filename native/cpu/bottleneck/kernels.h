// A bottleneck depth first, for the Tile that was included before.
#pragma once

#include <omp.h>
#include <string.h>

#include <algorithm>

#include "bottleneck/bottleneck.h"
#include "tile/segments.h"

namespace {

using crn::bottleneck::Blocking;
using crn::bottleneck::Operands;
using namespace crn::tile;

alignas(kAlignment) constexpr float kZeros[kFilters] = {};

// Where the positions of a band lie, by image, line and column.
struct Places {
    int64_t lines;  // of an image
    int64_t image_bytes, line_bytes, column_bytes;

    int64_t at(int64_t line, int64_t column) const {
        return line / lines * image_bytes + line % lines * line_bytes + column * column_bytes;
    }
};

// bias and ReLU, to bf16: one block of channels of what the next convolution reads.
struct Inner {
    char* to;
    int64_t plane_bytes;

    char* row(int64_t panel, int64_t at) const { return to + panel * plane_bytes + at; }
    void fetch(int64_t, int64_t, int64_t) const {}
    void write(const char* row, int64_t r, __m512 low, __m512 high, const float* bias) const {
        const __m512 zero = _mm512_setzero_ps();
        low = _mm512_max_ps(zero, _mm512_add_ps(low, _mm512_loadu_ps(bias)));
        high = _mm512_max_ps(zero, _mm512_add_ps(high, _mm512_loadu_ps(bias + 16)));
        _mm512_store_si512(const_cast<char*>(row) + r * kRowBytes, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
};

inline __m512 widen(__m256i x) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16)); }

// bias, what is added, perhaps ReLU, to bf16: rows of y.
struct Outer {
    char* y;
    int64_t row_bytes;
    int64_t other;  // bytes from y to what is added
    bool adds;
    __m512 floor;

    char* row(int64_t panel, int64_t at) const { return y + panel * kRowBytes + at; }
    void fetch(int64_t panel, int64_t at, int64_t rows) const {
        const char* from = row(panel, at);
        for (int64_t r = 0; r < rows; r++, from += row_bytes) {
            if (adds)
                _mm_prefetch(from + other, _MM_HINT_T0);
            __builtin_prefetch(from, 1, 3);
        }
    }
    void write(const char* row, int64_t r, __m512 low, __m512 high, const float* bias) const {
        char* to = const_cast<char*>(row) + r * row_bytes;
        low = _mm512_add_ps(low, _mm512_loadu_ps(bias));
        high = _mm512_add_ps(high, _mm512_loadu_ps(bias + 16));
        if (adds) {
            const __m512i sum = _mm512_loadu_si512(to + other);
            low = _mm512_add_ps(low, widen(_mm512_castsi512_si256(sum)));
            high = _mm512_add_ps(high, widen(_mm512_extracti64x4_epi64(sum, 1)));
        }
        _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh(_mm512_max_ps(floor, high), _mm512_max_ps(floor, low)));
    }
};

// One of the three on one band.
struct Convolution {
    Operand a;
    const char* panels;
    int64_t panel_count;
    const float* bias;
    Segments segments;
    Places from, to;

    int64_t units() const { return panel_count * segments.groups; }

    // Units [begin, end): panels of filters outside, groups of rows inside.
    template <class Epilogue>
    void run(Tile& tile, const Epilogue& epilogue, int64_t begin, int64_t end) const {
        if (begin == end)
            return;
        const int64_t steps = a.tap_count * a.blocks, panel_bytes = steps * 2 * kHalfBytes;
        const int64_t panel_lines = 2 * kHalfBytes / kRowBytes, lines = ceil_div(panel_lines, segments.groups);
        for (int64_t unit = begin; unit < end; unit++) {
            const int64_t panel = unit / segments.groups, group = unit % segments.groups;
            const int64_t first = group * segments.per_group, count = std::min(segments.per_group, segments.count - first);
            int64_t starts[2], skipped[2];
            char* rows[2];
            for (int64_t i = 0; i < count; i++) {
                const int64_t line = (first + i) / segments.per_line, column = (first + i) % segments.per_line * segments.length;
                const int64_t start = std::min(column, segments.width - segments.length);
                starts[i] = from.at(line, start);
                skipped[i] = column - start;
                rows[i] = epilogue.row(panel, to.at(line, start));
                epilogue.fetch(panel, to.at(line, column), segments.length - skipped[i]);
            }
            // The next panel, a part of it with every group of this one.
            const char* filters = panels + panel * panel_bytes;
            const Ahead ahead{filters + panel_bytes + group * lines * steps * kRowBytes, group * lines < panel_lines ? lines : 0};
            const float* panel_bias = bias ? bias + panel * kFilters : kZeros;
            tile.multiply(a, starts, count, segments.length, filters, ahead,
                [&](int64_t i, int64_t r, __m512 low, __m512 high) __attribute__((always_inline)) {
                    if (r >= skipped[i])
                        epilogue.write(rows[i], r, low, high, panel_bias);
                });
        }
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
        for (int64_t at = begin; at < end;) {
            Band band{at / cut_.p, 1, at % cut_.p, 0, 0};
            if (band.row == 0 && end - at >= cut_.p && cut_.band_rows == cut_.p) {
                band.images = std::min(cut_.band_images, (end - at) / cut_.p);
                band.rows = cut_.p;
            } else {
                band.rows = std::min({cut_.band_rows, cut_.p - band.row, end - at});
            }
            if (at > begin && band.row > 0)
                band.kept = cut_.halo;
            run(band);
            last_rows_ = band.rows;
            at += band.images * band.rows;
        }
    }

private:
    void run(const Band& band) {
        // Rows of the first convolution's result that are new, and where they go.
        const int64_t v1_rows = cut_.v1_rows(band.rows), v1_row_bytes = cut_.v1_width() * kRowBytes;
        const int64_t top = band.row * cut_.stride - 1;
        const int64_t begin = std::max<int64_t>(0, top + band.kept), end = std::min(cut_.h1, top + v1_rows);
        const int64_t rows = end - begin, v1_image_bytes = v1_rows * v1_row_bytes;
        const bool has_top = top < 0, has_bottom = top + v1_rows > cut_.h1;

        each(cut_.mid_blocks, [&](int64_t first, int64_t last) {
            for (int64_t block = first; block < last; block++)
                frame(band, v1_ + block * cut_.v1_plane, v1_rows, has_top, has_bottom);
        });
        each(band.images * rows, [&](int64_t first, int64_t last) {
            for (int64_t line = first; line < last; line++)
                gather(band.image + line / rows, begin + line % rows, line);
        });
        wait();

        const int64_t here = 0;
        const char* panels = o_.packed;
        const Places x_places{rows, rows * cut_.w1 * kRowBytes, cut_.w1 * kRowBytes, kRowBytes};
        const Places v1_places{rows, v1_image_bytes, v1_row_bytes, kRowBytes};
        const Convolution first{{x_, cut_.x_plane, cut_.in_blocks, &here, 1, kRowBytes}, panels, cut_.mid_blocks, o_.biases[0],
                                Segments(band.images * rows, cut_.w1), x_places, v1_places};
        const Inner to_v1{v1_ + (begin - top) * v1_row_bytes + kRowBytes, cut_.v1_plane};
        each(first.units(), [&](int64_t i, int64_t j) { first.run(tile_, to_v1, i, j); });
        wait();

        int64_t taps[9];
        for (int64_t tap = 0; tap < 9; tap++)
            taps[tap] = tap / 3 * v1_row_bytes + tap % 3 * kRowBytes;
        panels += cut_.filter_bytes(0);
        const int64_t v2_row_bytes = cut_.q * kRowBytes;
        const Places taps_places{band.rows, v1_image_bytes, cut_.stride * v1_row_bytes, cut_.stride * kRowBytes};
        const Places v2_places{band.rows, band.rows * v2_row_bytes, v2_row_bytes, kRowBytes};
        const Convolution second{{v1_, cut_.v1_plane, cut_.mid_blocks, taps, 9, cut_.stride * kRowBytes}, panels, cut_.mid_blocks, o_.biases[1],
                                 Segments(band.images * band.rows, cut_.q), taps_places, v2_places};
        const Inner to_v2{v2_, cut_.v2_plane};
        each(second.units(), [&](int64_t i, int64_t j) { second.run(tile_, to_v2, i, j); });
        wait();

        panels += cut_.filter_bytes(1);
        const int64_t positions = band.images * band.rows * cut_.q, y_row = int64_t(p_.k) * 2;
        const int64_t y_first = (band.image * cut_.p + band.row) * cut_.q * y_row;
        const Places v2_all{1, 0, 0, kRowBytes}, y_all{1, 0, 0, y_row};
        const Convolution third{{v2_, cut_.v2_plane, cut_.mid_blocks, &here, 1, kRowBytes}, panels, cut_.out_blocks, o_.biases[2],
                                Segments(1, positions), v2_all, y_all};
        const Outer to_y{reinterpret_cast<char*>(o_.y) + y_first, y_row,
                         o_.other ? reinterpret_cast<const char*>(o_.other) - reinterpret_cast<const char*>(o_.y) : 0,
                         o_.other != nullptr, o_.relu ? _mm512_setzero_ps() : _mm512_set1_ps(-__builtin_inff())};
        each(third.units(), [&](int64_t i, int64_t j) { third.run(tile_, to_y, i, j); });
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
