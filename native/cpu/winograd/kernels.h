// The stages of a convolution, for the Lanes that were included before: one translation unit per instruction set.
#pragma once

#include <omp.h>
#include <string.h>

#include "winograd/blocking.h"
#include "winograd/tiles.h"
#include "winograd/winograd.h"

namespace {

using crn::winograd::Blocking;
using namespace crn;
using crn::winograd::Operands;

// Sums of this many channels are added up on their own: shorter chains of roundings.
constexpr int64_t kSumBlocks = 4;

// Tile number t of all images: its image and its first output.
struct Place {
    int64_t image, row, column;

    Place(const Blocking& cut, int64_t t) {
        const int64_t tiles = cut.tile_rows * cut.tile_columns;
        image = t / tiles;
        row = t % tiles / cut.tile_columns * cut.outputs;
        column = t % cut.tile_columns * cut.outputs;
    }
};

// x of one tile and 16 channels to v[point], which are `stride` apart.
template <class Tile, class Element>
inline void transform_input(const crn_winograd_problem& p, const Element* x, Place at, int64_t block, float* v, int64_t stride) {
    constexpr int N = Tile::kInputs;
    const unsigned lanes = lanes_of(p.c, block);
    const Element* corner = x + ((at.image * p.h + at.row - 1) * p.w + at.column - 1) * p.c + block * kLanes;
    Lanes between[N][N];
    for (int j = 0; j < N; j++) {
        const bool inside = uint64_t(at.column - 1 + j) < uint64_t(p.w);
        Lanes d[N], t[N];
        for (int i = 0; i < N; i++) {
            const bool here = inside && uint64_t(at.row - 1 + i) < uint64_t(p.h);
            d[i] = Lanes::load(corner + (int64_t(i) * p.w + j) * p.c, here ? lanes : 0);
        }
        Tile::input(d, t);
        for (int i = 0; i < N; i++)
            between[i][j] = t[i];
    }
    for (int i = 0; i < N; i++) {
        Lanes t[N];
        Tile::input(between[i], t);
        for (int j = 0; j < N; j++)
            t[j].store(v + (i * N + j) * stride);
    }
}

template <class Element>
struct Epilogue {
    const float* bias;
    const Element* other;
    bool relu;
    Element* y;
};

// m[point][16] of one tile and 16 output channels to y.
template <class Tile, class Element>
inline void transform_output(const crn_winograd_problem& p, const float* m, Place at, int64_t block, const Epilogue<Element>& e) {
    constexpr int N = Tile::kInputs, M = Tile::kOutputs;
    const unsigned lanes = lanes_of(p.k, block);
    Lanes between[M][N];
    for (int j = 0; j < N; j++) {
        Lanes d[N], t[M];
        for (int i = 0; i < N; i++)
            d[i] = Lanes::load(m + (i * N + j) * kLanes);
        Tile::output(d, t);
        for (int i = 0; i < M; i++)
            between[i][j] = t[i];
    }
    const Lanes bias = e.bias ? Lanes::load(e.bias + block * kLanes, lanes) : Lanes::zero();
    const int64_t corner = ((at.image * p.h + at.row) * p.w + at.column) * p.k + block * kLanes;
    for (int i = 0; i < M && at.row + i < p.h; i++) {
        Lanes t[M];
        Tile::output(between[i], t);
        for (int j = 0; j < M && at.column + j < p.w; j++) {
            const int64_t to = corner + (int64_t(i) * p.w + j) * p.k;
            Lanes y = t[j] + bias;
            if (e.other) y = y + Lanes::load(e.other + to, lanes);
            if (e.relu) y = maximum(Lanes::zero(), y);
            if (lanes == kAllLanes)
                y.store(e.y + to);
            else
                y.store(e.y + to, lanes);
        }
    }
}

// m[R rows][NV vectors] = v[R rows][channels] u[channels][NV vectors]. v lies as [block of 16][tile][16].
template <int R, int NV>
void multiply(const float* v, int64_t v_block, const float* u, int64_t u_row, int64_t blocks,
              float* m, int64_t m_row, int64_t m_vector) {
    for (int64_t first = 0; first < blocks; first += kSumBlocks) {
        const int64_t end = first + kSumBlocks < blocks ? first + kSumBlocks : blocks;
        Lanes sum[R][NV];
#pragma GCC unroll 16
        for (int r = 0; r < R; r++)
#pragma GCC unroll 2
            for (int i = 0; i < NV; i++)
                sum[r][i] = Lanes::zero();
        for (int64_t block = first; block < end; block++, v += v_block) {
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
                    const Lanes a = Lanes::all(v[r * kLanes + c]);
#pragma GCC unroll 2
                    for (int i = 0; i < NV; i++)
                        sum[r][i] = fma(a, b[i], sum[r][i]);
                }
            }
        }
#pragma GCC unroll 16
        for (int r = 0; r < R; r++)
#pragma GCC unroll 2
            for (int i = 0; i < NV; i++) {
                float* to = m + r * m_row + i * m_vector;
                (first == 0 ? sum[r][i] : Lanes::load(to) + sum[r][i]).store(to);
            }
    }
}

using Multiply = void (*)(const float*, int64_t, const float*, int64_t, int64_t, float*, int64_t, int64_t);

template <int NV, int R = Lanes::kRows>
Multiply multiply_of(int64_t rows) {
    if constexpr (R == 1)
        return multiply<1, NV>;
    else
        return rows == R ? multiply<R, NV> : multiply_of<NV, R - 1>(rows);
}

// One convolution; every method is called by each thread of the team for its own slice.
template <class Tile, class Element>
struct Convolution {
    const crn_winograd_problem& p;
    const Blocking& cut;
    const Element* x;
    const float* packed;
    Epilogue<Element> epilogue;

    // v: [point][block][tile - first][16].
    void inputs(float* v, int64_t first, int64_t tiles, int64_t begin, int64_t end) const {
        const int64_t stride = cut.in_blocks * tiles * kLanes;
        for (int64_t t = begin; t < end; t++) {
            const Place at(cut, first + t);
            for (int64_t block = 0; block < cut.in_blocks; block++)
                transform_input<Tile>(p, x, at, block, v + (block * tiles + t) * kLanes, stride);
        }
    }

    // Products and outputs of tiles [begin, end) of those in v, for a panel of output channels. m: [vector][tile][point][16].
    void outputs(const float* v, int64_t first, int64_t tiles, int64_t begin, int64_t end, int64_t panel, float* m) const {
        const int64_t rows = end - begin, groups = ceil_div(rows, Lanes::kRows);
        const int64_t channels = cut.in_blocks * kLanes, width = panel_width(panel, cut.out_blocks), vectors = width / kLanes;
        const int64_t m_row = cut.points * kLanes, m_vector = rows * m_row;
        for (int64_t point = 0; point < cut.points; point++) {
            const float* u = packed + (panel * kPanel * cut.points + point * width) * channels;
            for (int64_t g = 0; g < groups; g++) {
                const int64_t r = rows * g / groups, r_end = rows * (g + 1) / groups;
                const float* from = v + (point * cut.in_blocks * tiles + begin + r) * kLanes;
                float* to = m + r * m_row + point * kLanes;
                if (vectors == Lanes::kVectors)
                    multiply_of<Lanes::kVectors>(r_end - r)(from, tiles * kLanes, u, width, cut.in_blocks, to, m_row, m_vector);
                else
                    for (int64_t i = 0; i < vectors; i++)
                        multiply_of<1>(r_end - r)(from, tiles * kLanes, u + i * kLanes, width, cut.in_blocks,
                                                  to + i * m_vector, m_row, m_vector);
            }
        }
        for (int64_t t = 0; t < rows; t++)
            for (int64_t i = 0; i < vectors; i++)
                transform_output<Tile>(p, m + i * m_vector + t * m_row, Place(cut, first + begin + t),
                                       panel * (kPanel / kLanes) + i, epilogue);
    }

    // Tiles of one slice through all stages.
    void run_slice(int64_t slice, float* v, float* m) const {
        const int64_t begin = cut.tiles * slice / cut.threads, end = cut.tiles * (slice + 1) / cut.threads;
        const int64_t blocks = ceil_div(end - begin, cut.block_tiles);
        for (int64_t b = 0; b < blocks; b++) {
            const int64_t first = begin + (end - begin) * b / blocks, tiles = begin + (end - begin) * (b + 1) / blocks - first;
            inputs(v, first, tiles, 0, tiles);
            for (int64_t panel = 0; panel < cut.panels; panel++)
                outputs(v, first, tiles, 0, tiles, panel, m);
        }
    }

    void transform_slice(int64_t slice, float* v) const {
        inputs(v, 0, cut.tiles, cut.tiles * slice / cut.threads, cut.tiles * (slice + 1) / cut.threads);
    }

    void multiply_slice(int64_t slice, const float* v, float* m) const {
        const int64_t parts = ceil_div(cut.tiles, cut.unit_tiles()), units = cut.units();
        for (int64_t unit = units * slice / cut.threads; unit < units * (slice + 1) / cut.threads; unit++) {
            const int64_t part = unit % parts;
            outputs(v, 0, cut.tiles, cut.tiles * part / parts, cut.tiles * (part + 1) / parts, unit / parts, m);
        }
    }

    void run(char* workspace) const {
        float* v = reinterpret_cast<float*>(workspace);
        char* products = workspace + (cut.shared ? cut.input_bytes() : cut.threads * cut.input_bytes());
        // OpenMP may grant fewer threads than asked for; the slices stay the same.
#pragma omp parallel num_threads(int(cut.threads))
        {
            const int64_t member = omp_get_thread_num(), members = omp_get_num_threads();
            float* m = reinterpret_cast<float*>(products + member * cut.product_bytes());
            if (cut.shared) {
                for (int64_t slice = member; slice < cut.threads; slice += members)
                    transform_slice(slice, v);
#pragma omp barrier
                for (int64_t slice = member; slice < cut.threads; slice += members)
                    multiply_slice(slice, v, m);
            } else {
                for (int64_t slice = member; slice < cut.threads; slice += members)
                    run_slice(slice, reinterpret_cast<float*>(workspace + member * cut.input_bytes()), m);
            }
        }
    }
};

// The filters of 16 output channels and one input channel, in double: g[3][3][16] to u[point][16], `stride` apart.
template <class Tile>
inline void transform_filter(const float (*g)[kLanes], float* u, int64_t stride) {
    constexpr int N = Tile::kInputs;
    double between[N][3][kLanes];
    for (int i = 0; i < N; i++)
        for (int s = 0; s < 3; s++)
            for (int k = 0; k < kLanes; k++)
                between[i][s][k] = Tile::kFilter[i][0] * g[s][k] + Tile::kFilter[i][1] * g[3 + s][k] + Tile::kFilter[i][2] * g[6 + s][k];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            for (int k = 0; k < kLanes; k++)
                u[(i * N + j) * stride + k] = float(Tile::kFilter[j][0] * between[i][0][k]
                    + Tile::kFilter[j][1] * between[i][1][k] + Tile::kFilter[j][2] * between[i][2][k]);
}

template <class Tile>
void pack_block(const crn_winograd_problem& p, const Blocking& cut, const float* filter, bool backward,
                int64_t vector, int64_t block, float* packed) {
    const int64_t outs = p.k - vector * kLanes < kLanes ? p.k - vector * kLanes : kLanes;
    const int64_t ins = p.c - block * kLanes < kLanes ? p.c - block * kLanes : kLanes;
    float g[kLanes][9][kLanes];
    memset(g, 0, sizeof g);
    for (int tap = 0; tap < 9; tap++)
        if (backward)
            for (int64_t c = 0; c < ins; c++)
                memcpy(g[c][8 - tap], filter + ((block * kLanes + c) * 9 + tap) * p.k + vector * kLanes, outs * sizeof(float));
        else
            for (int64_t k = 0; k < outs; k++) {
                const float* from = filter + ((vector * kLanes + k) * 9 + tap) * p.c + block * kLanes;
                for (int64_t c = 0; c < ins; c++)
                    g[c][tap][k] = from[c];
            }
    const int64_t panel = vector * kLanes / kPanel, width = panel_width(panel, cut.out_blocks), channels = cut.in_blocks * kLanes;
    float* to = packed + panel * kPanel * cut.points * channels + block * kLanes * width + vector * kLanes % kPanel;
    // Points lie a power of two apart where channels do: written one by one they would evict each other from the cache.
    alignas(kLanes * sizeof(float)) float u[Tile::kInputs * Tile::kInputs][kLanes][kLanes];
    // What the direct method multiplies: the products of bf16 convolutions are of bf16 filters.
    if (p.bf16)
        for (int64_t c = 0; c < kLanes; c++)
            for (int tap = 0; tap < 9; tap++)
                to_bf16(Lanes::load(g[c][tap])).store(g[c][tap]);
    for (int64_t c = 0; c < kLanes; c++)
        transform_filter<Tile>(g[c], u[0][c], kLanes * kLanes);
    for (int64_t point = 0; point < cut.points; point++)
        for (int64_t c = 0; c < kLanes; c++)
            Lanes::load(u[point][c]).store(to + point * channels * width + c * width);
}

template <class Tile>
void pack(const crn_winograd_problem& p, const float* filter, bool backward, float* packed) {
    const Blocking cut(p);
    const int64_t units = cut.out_blocks * cut.in_blocks;
#pragma omp parallel for num_threads(int(cut.threads)) schedule(static)
    for (int64_t unit = 0; unit < units; unit++)
        pack_block<Tile>(p, cut, filter, backward, unit / cut.in_blocks, unit % cut.in_blocks, packed);
}

template <class Tile, class Element>
void run(const crn_winograd_problem& p, const Operands& o) {
    const Blocking cut(p);
    const Epilogue<Element> epilogue{o.bias, static_cast<const Element*>(o.other), o.relu, static_cast<Element*>(o.y)};
    Convolution<Tile, Element>{p, cut, static_cast<const Element*>(o.x), o.packed, epilogue}.run(static_cast<char*>(o.workspace));
}

template <class Tile>
void run(const crn_winograd_problem& p, const Operands& o) {
    p.bf16 ? run<Tile, uint16_t>(p, o) : run<Tile, float>(p, o);
}

}  // namespace
