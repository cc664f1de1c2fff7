#include "convolution.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "gemm.h"
#include "parallel.h"

namespace simgpu {
namespace {

constexpr std::int64_t kColumnsFloats = std::int64_t{1} << 18;  // of the unrolled input that is held at once

struct Rows {
    std::int64_t first;  // output rows (n, p), numbered through
    std::int64_t count;
};

bool is_plain(const ConvolutionShape& s) {
    return s.r == 1 && s.s == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_h == 0 && s.pad_w == 0 &&
        s.groups == 1 && s.p == s.h && s.q == s.w;
}

std::int64_t row_floats(const ConvolutionShape& s) {
    return s.r * s.s * (s.c / s.groups);
}

std::int64_t rows_at_once(const ConvolutionShape& s) {
    return std::max<std::int64_t>(1, kColumnsFloats / (row_floats(s) * s.q));
}

std::int64_t tap(const ConvolutionShape& shape, std::int64_t r, std::int64_t s) {
    return shape.flipped ? (shape.r - 1 - r) * shape.s + (shape.s - 1 - s) : r * shape.s + s;
}

/// Calls visit(column offset of the tap, x offset) for each tap of each output pixel, or visit(offset, -1) in the padding.
template <typename Visit>
void for_each_tap(const ConvolutionShape& s, Rows rows, std::int64_t group, Visit visit) {
    const std::int64_t channels = s.c / s.groups;
    std::int64_t at = 0;
    for (std::int64_t row = rows.first; row < rows.first + rows.count; ++row) {
        const std::int64_t n = row / s.p;
        const std::int64_t p = row % s.p;
        for (std::int64_t q = 0; q < s.q; ++q, at += s.r * s.s * channels) {
            for (std::int64_t r = 0; r < s.r; ++r) {
                const std::int64_t h = p * s.stride_h - s.pad_h + r * s.dilation_h;
                for (std::int64_t t = 0; t < s.s; ++t) {
                    const std::int64_t w = q * s.stride_w - s.pad_w + t * s.dilation_w;
                    const bool inside = h >= 0 && h < s.h && w >= 0 && w < s.w;
                    visit(at + tap(s, r, t) * channels,
                          inside ? ((n * s.h + h) * s.w + w) * s.c + group * channels : -1);
                }
            }
        }
    }
}

void unroll(const ConvolutionShape& s, const float* x, Rows rows, std::int64_t group, float* columns) {
    const std::int64_t channels = s.c / s.groups;
    for_each_tap(s, rows, group, [&](std::int64_t to, std::int64_t from) {
        if (from < 0) {
            std::fill(columns + to, columns + to + channels, 0.0f);
        } else {
            std::copy(x + from, x + from + channels, columns + to);
        }
    });
}

void roll_up(const ConvolutionShape& s, const float* columns, Rows rows, std::int64_t group, float* dx) {
    const std::int64_t channels = s.c / s.groups;
    for_each_tap(s, rows, group, [&](std::int64_t from, std::int64_t to) {
        if (to >= 0) {
            for (std::int64_t c = 0; c < channels; ++c) {
                dx[to + c] += columns[from + c];
            }
        }
    });
}

std::int64_t parts_of(std::int64_t count, std::int64_t size) {
    return (count + size - 1) / size;
}

}  // namespace

void convolution_forward(const ConvolutionShape& s, const float* x, const float* w, float* y) {
    const std::int64_t depth = row_floats(s);
    const std::int64_t k = s.k / s.groups;
    const std::int64_t step = std::min(rows_at_once(s), std::max<std::int64_t>(1, parts_of(s.n * s.p, 8)));
    parallel_for(parts_of(s.n * s.p, step), [&](std::int64_t part) {
        const Rows rows{part * step, std::min(step, s.n * s.p - part * step)};
        const std::int64_t pixels = rows.count * s.q;
        for (std::int64_t g = 0; g < s.groups; ++g) {
            const float* columns = x + rows.first * s.q * s.c;
            if (!is_plain(s)) {
                float* unrolled = scratch(2, static_cast<std::size_t>(pixels * depth));
                unroll(s, x, rows, g, unrolled);
                columns = unrolled;
            }
            gemm(pixels, k, depth, {columns, depth, 1}, {w + g * k * depth, 1, depth},
                 y + rows.first * s.q * s.k + g * k, s.k, false);
        }
    });
}

void convolution_dgrad(const ConvolutionShape& s, const float* dy, const float* w, float* dx) {
    const std::int64_t depth = row_floats(s);
    const std::int64_t k = s.k / s.groups;
    if (is_plain(s)) {
        const std::int64_t pixels = s.n * s.p * s.q;
        const std::int64_t step = std::max<std::int64_t>(64, parts_of(pixels, 16));
        parallel_for(parts_of(pixels, step), [&](std::int64_t part) {
            const std::int64_t first = part * step;
            gemm(std::min(step, pixels - first), s.c, s.k, {dy + first * s.k, s.k, 1}, {w, depth, 1}, dx + first * s.c,
                 s.c, false);
        });
        return;
    }
    const std::int64_t step = std::min(rows_at_once(s), s.p);
    parallel_for(s.n, [&](std::int64_t image) {  // pixels of one image are added to by one thread
        std::fill(dx + image * s.h * s.w * s.c, dx + (image + 1) * s.h * s.w * s.c, 0.0f);
        for (std::int64_t first = image * s.p; first < (image + 1) * s.p; first += step) {
            const Rows rows{first, std::min(step, (image + 1) * s.p - first)};
            for (std::int64_t g = 0; g < s.groups; ++g) {
                float* columns = scratch(2, static_cast<std::size_t>(rows.count * s.q * depth));
                gemm(rows.count * s.q, depth, k, {dy + rows.first * s.q * s.k + g * k, s.k, 1},
                     {w + g * k * depth, depth, 1}, columns, depth, false);
                roll_up(s, columns, rows, g, dx);
            }
        }
    });
}

void convolution_wgrad(const ConvolutionShape& s, const float* x, const float* dy, float* dw, std::uint64_t order) {
    const std::int64_t depth = row_floats(s);
    const std::int64_t k = s.k / s.groups;
    const std::int64_t all_rows = s.n * s.p;
    const std::int64_t parts = std::min<std::int64_t>(4, all_rows);
    const std::int64_t size = s.k * depth;
    std::vector<float> sums(static_cast<std::size_t>(parts * size));
    parallel_for(parts, [&](std::int64_t part) {
        const std::int64_t end = all_rows * (part + 1) / parts;
        bool first_of_part = true;
        for (std::int64_t first = all_rows * part / parts; first < end;) {
            const Rows rows{first, std::min(rows_at_once(s), end - first)};
            for (std::int64_t g = 0; g < s.groups; ++g) {
                const float* columns = x + rows.first * s.q * s.c;
                if (!is_plain(s)) {
                    float* unrolled = scratch(2, static_cast<std::size_t>(rows.count * s.q * depth));
                    unroll(s, x, rows, g, unrolled);
                    columns = unrolled;
                }
                gemm(k, depth, rows.count * s.q, {dy + rows.first * s.q * s.k + g * k, 1, s.k}, {columns, depth, 1},
                     sums.data() + part * size + g * k * depth, depth, !first_of_part);
            }
            first_of_part = false;
            first += rows.count;
        }
    });
    std::vector<std::int64_t> sequence(static_cast<std::size_t>(parts));
    std::iota(sequence.begin(), sequence.end(), 0);
    if (order != 0) {
        std::shuffle(sequence.begin(), sequence.end(), std::mt19937_64(order));
    }
    std::fill(dw, dw + size, 0.0f);
    for (std::int64_t part : sequence) {
        const float* from = sums.data() + part * size;
        for (std::int64_t i = 0; i < size; ++i) {
            dw[i] += from[i];
        }
    }
}

}  // namespace simgpu
