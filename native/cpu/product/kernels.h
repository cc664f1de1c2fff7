// A 1x1 convolution as a product of matrices, for the Lanes that were included before.
#pragma once

#include <omp.h>

#include "product/product.h"

namespace {

using crn::product::Blocking;
using namespace crn;

// What happens to 16 * NV channels of some rows behind the sums.
struct Epilogue {
    const float* bias;
    const float* other;
    bool relu;
    float* y;
    int64_t row;      // floats from one row of y to the next
    unsigned lanes;   // of the last vector
};

// What the product fetches for later, a little with every 16 channels, so that memory and arithmetic work side by side.
struct Ahead {
    const char* rows;  // of the next block
    int64_t lines;     // with every 16 channels
};

// y[R rows][NV vectors] = x[R rows][channels] u[channels][NV vectors]. x lies as [block of 16][row][16].
template <int R, int NV>
void multiply(const float* x, int64_t x_block, const float* u, int64_t u_row, int64_t blocks, const Epilogue& e, Ahead ahead) {
    const int rows_ahead = int(ceil_div(R, blocks));
    int row_ahead = 0;
    Lanes sum[R][NV];
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 2
        for (int i = 0; i < NV; i++)
            sum[r][i] = Lanes::zero();
    for (int64_t block = 0; block < blocks; block++, x += x_block) {
        for (int64_t line = 0; line < ahead.lines; line++, ahead.rows += 64)
            _mm_prefetch(ahead.rows, _MM_HINT_T1);
        // What is added and what is written.
        for (const int end = row_ahead + rows_ahead < R ? row_ahead + rows_ahead : R; row_ahead < end; row_ahead++)
#pragma GCC unroll 2
            for (int i = 0; i < NV; i++) {
                const int64_t at = row_ahead * e.row + i * kLanes;
                if (e.other) _mm_prefetch(reinterpret_cast<const char*>(e.other + at), _MM_HINT_T0);
                if (e.other != e.y) __builtin_prefetch(e.y + at, 1, 3);
            }
#pragma GCC unroll 4
        for (int c = 0; c < kLanes; c++, u += u_row) {
            Lanes b[NV];
#pragma GCC unroll 2
            for (int i = 0; i < NV; i++) {
                b[i] = Lanes::load(u + i * kLanes);
                _mm_prefetch(reinterpret_cast<const char*>(u + i * kLanes + kAhead), _MM_HINT_T0);
            }
#pragma GCC unroll 16
            for (int r = 0; r < R; r++) {
                const Lanes a = Lanes::all(x[r * kLanes + c]);
#pragma GCC unroll 2
                for (int i = 0; i < NV; i++)
                    sum[r][i] = fma(a, b[i], sum[r][i]);
            }
        }
    }
    const Lanes floor = e.relu ? Lanes::zero() : Lanes::all(-__builtin_inff());
#pragma GCC unroll 2
    for (int i = 0; i < NV; i++) {
        const unsigned lanes = i == NV - 1 ? e.lanes : kAllLanes;
        const Lanes bias = e.bias ? Lanes::load(e.bias + i * kLanes, lanes) : Lanes::zero();
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) {
            const int64_t at = r * e.row + i * kLanes;
            Lanes y = sum[r][i] + bias;
            if (e.other) y = y + Lanes::load(e.other + at, lanes);
            y = maximum(floor, y);
            if (lanes == kAllLanes)
                y.store(e.y + at);
            else
                y.store(e.y + at, lanes);
        }
    }
}

using Multiply = void (*)(const float*, int64_t, const float*, int64_t, int64_t, const Epilogue&, Ahead);

template <int NV, int R = Lanes::kRows>
Multiply multiply_of(int64_t rows) {
    if constexpr (R == 1)
        return multiply<1, NV>;
    else
        return rows == R ? multiply<R, NV> : multiply_of<NV, R - 1>(rows);
}

struct Product {
    const crn_product_problem& p;
    const Blocking& cut;
    const float* x;
    const float* packed;
    const float* bias;
    const float* other;
    bool relu;
    float* y;

    // Rows [begin, end) of those that begin at `first`, of which there are `rows`, to v: [block][row][16].
    void inputs(float* v, int64_t first, int64_t rows, int64_t begin, int64_t end) const {
        for (int64_t r = begin; r < end; r++) {
            int64_t position = first + r;
            if (p.stride != 1) {
                const int64_t q = position % cut.q_extent, image_row = position / cut.q_extent;
                position = (image_row / cut.p_extent * p.h + image_row % cut.p_extent * p.stride) * p.w + q * p.stride;
            }
            const float* from = x + position * p.c;
            float* to = v + r * kLanes;
            for (int64_t block = 0; block < cut.in_blocks; block++, from += kLanes, to += rows * kLanes)
                Lanes::load(from, lanes_of(p.c, block)).store(to);
        }
    }

    // Rows [begin, end) of those in v, for one panel of output channels. next: the rows that follow, or null.
    void outputs(const float* v, int64_t first, int64_t rows, int64_t begin, int64_t end, int64_t panel, const float* next) const {
        const int64_t count = end - begin, groups = ceil_div(count, Lanes::kRows);
        const int64_t channels = cut.in_blocks * kLanes, width = panel_width(panel, cut.out_blocks), vectors = width / kLanes;
        const float* u = packed + panel * kPanel * channels;
        const int64_t calls = groups * ceil_div(cut.out_blocks, Lanes::kVectors) * cut.in_blocks;
        Ahead ahead{nullptr, next ? ceil_div(rows * p.c * int64_t(sizeof(float)), 64 * calls) : 0};
        const int64_t call_bytes = ahead.lines * 64 * cut.in_blocks;
        if (next) ahead.rows = reinterpret_cast<const char*>(next) + panel * (kPanel / kLanes / Lanes::kVectors) * groups * call_bytes;
        for (int64_t g = 0; g < groups; g++) {
            const int64_t r = begin + count * g / groups, r_end = begin + count * (g + 1) / groups;
            const int64_t step = vectors == Lanes::kVectors ? vectors : 1;
            for (int64_t i = 0; i < vectors; i += step) {
                const int64_t channel = panel * kPanel + i * kLanes, at = (first + r) * p.k + channel;
                const Epilogue e{bias ? bias + channel : nullptr, other ? other + at : nullptr, relu, y + at, p.k,
                                 lanes_of(p.k, channel / kLanes + step - 1)};
                const Multiply run = step == Lanes::kVectors ? multiply_of<Lanes::kVectors>(r_end - r) : multiply_of<1>(r_end - r);
                run(v + r * kLanes, rows * kLanes, u + i * kLanes, width, cut.in_blocks, e, ahead);
                if (next) ahead.rows += call_bytes;
            }
        }
    }

    // Rows of one slice through all panels.
    void run_slice(int64_t slice, float* v) const {
        const int64_t begin = cut.rows * slice / cut.threads, end = cut.rows * (slice + 1) / cut.threads;
        const int64_t blocks = ceil_div(end - begin, cut.block_rows);
        for (int64_t b = 0; b < blocks; b++) {
            const int64_t first = begin + (end - begin) * b / blocks, rows = begin + (end - begin) * (b + 1) / blocks - first;
            const float* next = p.stride == 1 && b + 1 < blocks ? x + (first + rows) * p.c : nullptr;
            inputs(v, first, rows, 0, rows);
            for (int64_t panel = 0; panel < cut.panels; panel++)
                outputs(v, first, rows, 0, rows, panel, next);
        }
    }

    void multiply_slice(int64_t slice, const float* v) const {
        const int64_t parts = ceil_div(cut.rows, cut.unit_rows), units = parts * cut.panels;
        for (int64_t unit = units * slice / cut.threads; unit < units * (slice + 1) / cut.threads; unit++) {
            const int64_t part = unit % parts;
            outputs(v, 0, cut.rows, cut.rows * part / parts, cut.rows * (part + 1) / parts, unit / parts, nullptr);
        }
    }

    void run(float* workspace) const {
        // OpenMP may grant fewer threads than asked for; the slices stay the same.
#pragma omp parallel num_threads(int(cut.threads))
        {
            const int64_t member = omp_get_thread_num(), members = omp_get_num_threads();
            if (cut.shared) {
                for (int64_t slice = member; slice < cut.threads; slice += members)
                    inputs(workspace, 0, cut.rows, cut.rows * slice / cut.threads, cut.rows * (slice + 1) / cut.threads);
#pragma omp barrier
                for (int64_t slice = member; slice < cut.threads; slice += members)
                    multiply_slice(slice, workspace);
            } else {
                float* v = workspace + member * cut.input_bytes() / int64_t(sizeof(float));
                for (int64_t slice = member; slice < cut.threads; slice += members)
                    run_slice(slice, v);
            }
        }
    }
};

// filter[k][c] to [panel][c][channels of the panel], zeros behind the last of either.
void pack(const crn_product_problem& p, const float* filter, float* packed) {
    const Blocking cut(p);
    const int64_t units = cut.out_blocks * cut.in_blocks, channels = cut.in_blocks * kLanes;
#pragma omp parallel for num_threads(int(cut.threads)) schedule(static)
    for (int64_t unit = 0; unit < units; unit++) {
        const int64_t vector = unit / cut.in_blocks, block = unit % cut.in_blocks;
        const int64_t panel = vector * kLanes / kPanel, width = panel_width(panel, cut.out_blocks);
        float* to = packed + panel * kPanel * channels + block * kLanes * width + vector * kLanes % kPanel;
        for (int64_t c = 0; c < kLanes; c++)
            for (int64_t k = 0; k < kLanes; k++) {
                const int64_t row = vector * kLanes + k, column = block * kLanes + c;
                to[c * width + k] = row < p.k && column < p.c ? filter[row * p.c + column] : 0;
            }
    }
}

}  // namespace
