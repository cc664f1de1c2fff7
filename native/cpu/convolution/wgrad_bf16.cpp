// wgrad in bf16: dw[k][r][s][c] = sum over images and positions of dy[n][p][q][k] * x[n][p*stride+r-pad][q*stride+s-pad][c].
//
// VDPBF16PS multiplies pairs along the sum. The pair is one position of two neighbouring images: then one interleaved copy
// of x serves every tap and stride, and taps that fall into the padding are left out of the loops instead of being
// multiplied by zeros. Blocks of positions are interleaved into panels that stay in the L2 cache; tiles of 8 filters by 32
// channels are summed over a whole block in registers.
// The compiler's own headers leave vectors undefined on purpose.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#include <omp.h>

#include <algorithm>

#include "convolution/prefetcher.h"
#include "cudnnresnet_cpu.h"
#include "vector/rounding.h"

namespace {

constexpr int kFilters = 8;    // filters of a tile and of a panel of dy
constexpr int kChannels = 32;  // channels of a tile and of a panel of x: two vectors of 16 pairs
constexpr int64_t kPairBytes = 4;
constexpr int64_t kYStep = kFilters * kPairBytes;
constexpr int64_t kXStep = kChannels * kPairBytes;

// Positions (pairs of them) that a block holds, and the bytes of its panels: together they are to stay in a 1 MB L2.
constexpr int64_t kBlockPositions = 448;
// Of 1x1 filters: they multiply little for what they read, and the rows that the next block reads come into the same cache.
constexpr int64_t kPointwisePositions = 144;
constexpr int64_t kRun = 32;  // positions between two looks ahead, where rows do not matter
constexpr int64_t kXBlockBytes = 448 << 10;
constexpr int64_t kYBlockBytes = 128 << 10;

// Up to this size every thread sums a gradient of its own over its share of the positions.
constexpr int64_t kPrivateGradientBytes = 512 << 10;

using crn::ceil_div;
using crn::round_up;

// Bytes between panels: never near a multiple of a page, so that a row's way into many panels does not use the same few
// sets of the caches again and again.
int64_t panel_bytes(int64_t bytes) { return round_up(bytes, 4096) + 5 * 64; }

// How the work is cut. Every thread has a share of the filters and a share of the blocks of positions.
struct Plan {
    crn_convolution g;
    int threads, filter_shares, channel_shares, position_shares;
    bool is_pointwise;          // 1x1 without padding: x is interleaved as dy is, position by position
    int64_t pairs;              // of images
    int64_t pair_blocks, block_pairs;  // pairs of images in a block
    int64_t row_blocks, block_rows;    // rows of dy in a block
    int64_t block_positions;           // pointwise: positions in a block, counted through all pairs of images
    int64_t blocks;
    int64_t c_block, k_block;
    int64_t x_bytes, y_bytes;   // panels of a block
    int64_t gradient;           // elements of dw
};

Plan plan_for(const crn_convolution& g, int threads) {
    Plan plan{};
    plan.g = g;
    plan.threads = threads;
    plan.gradient = int64_t(g.k) * g.r * g.s * g.c;
    plan.is_pointwise = g.r == 1 && g.s == 1 && g.pad == 0;
    plan.pairs = ceil_div(g.n, 2);
    const int64_t image = int64_t(g.p) * g.q;
    if (plan.is_pointwise) {
        plan.blocks = ceil_div(plan.pairs * image, kPointwisePositions);
        plan.block_positions = ceil_div(plan.pairs * image, plan.blocks);
        plan.blocks = ceil_div(plan.pairs * image, plan.block_positions);
    } else if (image <= kBlockPositions) {
        plan.pair_blocks = ceil_div(plan.pairs, std::max<int64_t>(1, kBlockPositions / image));
        plan.block_pairs = ceil_div(plan.pairs, plan.pair_blocks);
        plan.pair_blocks = ceil_div(plan.pairs, plan.block_pairs);
        plan.row_blocks = 1;
        plan.block_rows = g.p;
        plan.blocks = plan.pair_blocks;
    } else {
        plan.pair_blocks = plan.pairs;
        plan.block_pairs = 1;
        plan.row_blocks = ceil_div(g.p, std::max<int64_t>(1, kBlockPositions / g.q));
        plan.block_rows = ceil_div(g.p, plan.row_blocks);
        plan.row_blocks = ceil_div(g.p, plan.block_rows);
        plan.blocks = plan.pair_blocks * plan.row_blocks;
    }
    const int64_t k_panels = ceil_div(g.k, kFilters);
    const int64_t c_panels = ceil_div(g.c, kChannels);
    plan.filter_shares = plan.channel_shares = plan.position_shares = 1;
    if (plan.gradient * int64_t(sizeof(float)) <= kPrivateGradientBytes && plan.blocks >= 2 * threads)
        plan.position_shares = threads;
    // Every thread interleaves what its share reads, so the longer side is cut.
    else if (g.c > g.k)
        plan.channel_shares = int(std::min<int64_t>(threads, c_panels));
    else
        plan.filter_shares = int(std::min<int64_t>(threads, ceil_div(k_panels, 4)));
    int64_t x_positions, y_positions;
    if (plan.is_pointwise) {
        x_positions = y_positions = plan.block_positions;
    } else {
        const int64_t rows = std::min<int64_t>(g.h, (plan.block_rows - 1) * g.stride + g.r);
        x_positions = plan.block_pairs * rows * g.w;
        y_positions = plan.block_pairs * plan.block_rows * g.q;
    }
    const int64_t c_share = ceil_div(c_panels, plan.channel_shares);
    const int64_t c_fit = std::max<int64_t>(1, kXBlockBytes / (x_positions * kXStep));
    plan.c_block = ceil_div(c_share, ceil_div(c_share, c_fit));
    const int64_t k_share = ceil_div(k_panels, plan.filter_shares);
    const int64_t k_fit = std::max<int64_t>(1, kYBlockBytes / (y_positions * kYStep));
    plan.k_block = ceil_div(k_share, ceil_div(k_share, k_fit));
    // Packing writes panels of 32 channels of dy at a time.
    plan.k_block = std::min(round_up(plan.k_block, 4), round_up(k_share, 4));
    plan.x_bytes = round_up(plan.c_block * panel_bytes(x_positions * kXStep), 4096);
    plan.y_bytes = round_up(plan.k_block * panel_bytes(y_positions * kYStep), 4096);
    return plan;
}

// Sixteen channels of two images, alternating.
__attribute__((always_inline)) inline void interleave(__m512i a, __m512i b, __m512i& low, __m512i& high) {
    const __m512i low_index = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8,
        39, 7, 38, 6, 37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
    const __m512i high_index = _mm512_set_epi16(63, 31, 62, 30, 61, 29, 60, 28, 59, 27, 58, 26, 57, 25, 56, 24,
        55, 23, 54, 22, 53, 21, 52, 20, 51, 19, 50, 18, 49, 17, 48, 16);
    low = _mm512_permutex2var_epi16(a, low_index, b);
    high = _mm512_permutex2var_epi16(a, high_index, b);
}

__mmask32 mask_of(int64_t count) {
    return count >= 32 ? ~__mmask32(0) : count <= 0 ? 0 : (__mmask32(1) << count) - 1;
}

// A run of positions: `step` elements apart in the images a and b (null: zeros), next to each other in the panels. Whole
// rows of channels are read before the next position: that is the order in which they lie in memory.
void pack_x_run(const uint16_t* a, const uint16_t* b, int64_t step, int64_t count, int64_t channels,
                char* panel, int64_t panel_bytes, int64_t panels) {
    for (int64_t position = 0; position < count; position++, a += step, b = b ? b + step : b, panel += kXStep) {
        char* to = panel;
        for (int64_t i = 0; i < panels; i++, to += panel_bytes) {
            const __mmask32 mask = mask_of(channels - i * kChannels);
            const __m512i first = _mm512_maskz_loadu_epi16(mask, a + i * kChannels);
            const __m512i second = b ? _mm512_maskz_loadu_epi16(mask, b + i * kChannels) : _mm512_setzero_si512();
            __m512i low, high;
            interleave(first, second, low, high);
            _mm512_store_si512(to, low);
            _mm512_store_si512(to + 64, high);
        }
    }
}

void pack_y_run(const uint16_t* a, const uint16_t* b, int64_t step, int64_t count, int64_t filters,
                char* panel, int64_t panel_bytes, int64_t panels) {
    for (int64_t position = 0; position < count; position++, a += step, b = b ? b + step : b, panel += kYStep) {
        char* to = panel;
        for (int64_t i = 0; i < panels; i += 4, to += 4 * panel_bytes) {
            const __mmask32 mask = mask_of(filters - i * kFilters);
            const __m512i first = _mm512_maskz_loadu_epi16(mask, a + i * kFilters);
            const __m512i second = b ? _mm512_maskz_loadu_epi16(mask, b + i * kFilters) : _mm512_setzero_si512();
            __m512i low, high;
            interleave(first, second, low, high);
            _mm256_store_si256((__m256i*)to, _mm512_castsi512_si256(low));
            _mm256_store_si256((__m256i*)(to + panel_bytes), _mm512_extracti64x4_epi64(low, 1));
            _mm256_store_si256((__m256i*)(to + 2 * panel_bytes), _mm512_castsi512_si256(high));
            _mm256_store_si256((__m256i*)(to + 3 * panel_bytes), _mm512_extracti64x4_epi64(high, 1));
        }
    }
}

// Positions of a tap: pairs of images, rows and columns, with the steps between them in bytes.
struct Positions {
    int64_t pairs, rows, columns, tail;  // the last row has `tail` columns more
    int64_t y_pair, y_row, x_pair, x_row, x_column;
};

// dw[8][32] (+)= sum over positions; a row of dw is `row` floats from the next.
template <bool adds>
void tile(const Positions& at, const char* y, const char* x, float* dw, int64_t row, int filters, __mmask32 channels,
          Prefetcher& ahead, int64_t lines) {
    const __mmask16 low = __mmask16(channels), high = __mmask16(channels >> 16);
    __m512 sum[kFilters][2];
#pragma GCC unroll 8
    for (int k = 0; k < kFilters; k++)
        sum[k][0] = sum[k][1] = _mm512_setzero_ps();
    if (adds)
        for (int k = 0; k < filters; k++) {
            _mm_prefetch((const char*)(dw + k * row), _MM_HINT_T0);
            _mm_prefetch((const char*)(dw + k * row + 16), _MM_HINT_T0);
        }
    for (int64_t pair = 0; pair < at.pairs; pair++, y += at.y_pair, x += at.x_pair) {
        const char *y_row = y, *x_row = x;
        for (int64_t i = 0; i < at.rows; i++, y_row += at.y_row, x_row += at.x_row) {
            const char *b = y_row, *a = x_row;
            const int64_t columns = at.columns + (i == at.rows - 1 ? at.tail : 0);
            ahead.fetch(lines);
            for (int64_t column = 0; column < columns; column++, b += kYStep, a += at.x_column) {
                const __m512bh x0 = (__m512bh)_mm512_load_si512(a), x1 = (__m512bh)_mm512_load_si512(a + 64);
#pragma GCC unroll 8
                for (int k = 0; k < kFilters; k++) {
                    const __m512bh dy = (__m512bh)_mm512_set1_epi32(((const int*)b)[k]);
                    sum[k][0] = _mm512_dpbf16_ps(sum[k][0], dy, x0);
                    sum[k][1] = _mm512_dpbf16_ps(sum[k][1], dy, x1);
                }
            }
        }
    }
#pragma GCC unroll 8
    for (int k = 0; k < kFilters; k++) {
        if (k >= filters)
            break;
        float* to = dw + k * row;
        if (adds) {
            sum[k][0] = _mm512_add_ps(sum[k][0], _mm512_maskz_loadu_ps(low, to));
            sum[k][1] = _mm512_add_ps(sum[k][1], _mm512_maskz_loadu_ps(high, to + 16));
        }
        _mm512_mask_storeu_ps(to, low, sum[k][0]);
        _mm512_mask_storeu_ps(to + 16, high, sum[k][1]);
    }
}

// One thread's part: its share of the filters over its share of the blocks.
class Worker {
public:
    Worker(const Plan& plan, const uint16_t* x, const uint16_t* dy, char* panels)
        : plan_(plan), g_(plan.g), x_(x), dy_(dy), x_panels_(panels), y_panels_(panels + plan.x_bytes) {}

    void run(int64_t c_begin, int64_t c_end, int64_t k_begin, int64_t k_end, int64_t block_begin, int64_t block_end, float* dw) {
        for (int64_t block = block_begin; block < block_end; block++) {
            look_ahead(block + 1 < block_end ? block + 1 : block_end, block_end, c_begin, c_end, k_begin, k_end);
            enter(block);
            const int64_t rows = plan_.is_pointwise ? std::max<int64_t>(1, positions_ / kRun) : pairs_ * (p_end_ - p_begin_);
            const int64_t visits = (c_end - c_begin) * (k_end - k_begin) * g_.r * g_.s * rows;
            const int64_t lines = ceil_div(ahead_.lines(), std::max<int64_t>(1, visits));
            for (int64_t c = c_begin; c < c_end; c += plan_.c_block) {
                const int64_t c_panels = std::min(plan_.c_block, c_end - c);
                pack_x(c * kChannels, c_panels);
                for (int64_t k = k_begin; k < k_end; k += plan_.k_block) {
                    const int64_t k_panels = std::min(plan_.k_block, k_end - k);
                    pack_y(k * kFilters, k_panels);
                    multiply(k, k_panels, c, c_panels, dw, block > block_begin, lines);
                }
            }
        }
    }

private:
    void enter(int64_t block) {
        if (plan_.is_pointwise) {
            first_ = block * plan_.block_positions;
            positions_ = std::min(plan_.block_positions, plan_.pairs * g_.p * g_.q - first_);
            y_panel_bytes_ = panel_bytes(positions_ * kYStep);
            x_panel_bytes_ = panel_bytes(positions_ * kXStep);
            return;
        }
        first_pair_ = block / plan_.row_blocks * plan_.block_pairs;
        pairs_ = std::min(plan_.block_pairs, plan_.pairs - first_pair_);
        p_begin_ = block % plan_.row_blocks * plan_.block_rows;
        p_end_ = std::min<int64_t>(p_begin_ + plan_.block_rows, g_.p);
        h_begin_ = std::max<int64_t>(0, p_begin_ * g_.stride - g_.pad);
        h_end_ = std::min<int64_t>(g_.h, (p_end_ - 1) * g_.stride + g_.r - g_.pad);
        if (h_end_ < h_begin_)
            h_end_ = h_begin_;
        y_panel_bytes_ = panel_bytes(pairs_ * (p_end_ - p_begin_) * g_.q * kYStep);
        x_panel_bytes_ = panel_bytes(pairs_ * (h_end_ - h_begin_) * g_.w * kXStep);
    }

    // What the next block reads: rows of channels of x and of this share's filters of dy, in both images of its pairs.
    void look_ahead(int64_t block, int64_t block_end, int64_t c_begin, int64_t c_end, int64_t k_begin, int64_t k_end) {
        ahead_.clear();
        if (block >= block_end)
            return;
        enter(block);
        const int64_t x_image = int64_t(g_.h) * g_.w * g_.c, y_image = int64_t(g_.p) * g_.q * g_.k;
        const int64_t k = k_begin * kFilters, filters = std::min<int64_t>(k_end * kFilters, g_.k) - k;
        const int64_t c = c_begin * kChannels, channels = std::min<int64_t>(c_end * kChannels, g_.c) - c;
        if (plan_.is_pointwise) {
            for_runs([&](int64_t pair, int64_t p, int64_t q, int64_t count, int64_t) {
                const uint16_t* a = x_ + 2 * pair * x_image + (p * g_.stride * g_.w + q * g_.stride) * g_.c + c;
                const uint16_t* b = dy_ + 2 * pair * y_image + (p * g_.q + q) * g_.k + k;
                ahead_.add(a, count, channels, int64_t(g_.stride) * g_.c);
                ahead_.add(second_image(a, pair, x_image), count, channels, int64_t(g_.stride) * g_.c);
                ahead_.add(b, count, filters, g_.k);
                ahead_.add(second_image(b, pair, y_image), count, filters, g_.k);
            });
            return;
        }
        for (int64_t i = 0; i < pairs_; i++) {
            const uint16_t* a = x_ + 2 * (first_pair_ + i) * x_image + h_begin_ * g_.w * g_.c + c;
            const uint16_t* b = dy_ + 2 * (first_pair_ + i) * y_image + p_begin_ * g_.q * g_.k + k;
            ahead_.add(a, (h_end_ - h_begin_) * g_.w, channels, g_.c);
            ahead_.add(second_image(a, first_pair_ + i, x_image), (h_end_ - h_begin_) * g_.w, channels, g_.c);
            ahead_.add(b, (p_end_ - p_begin_) * g_.q, filters, g_.k);
            ahead_.add(second_image(b, first_pair_ + i, y_image), (p_end_ - p_begin_) * g_.q, filters, g_.k);
        }
    }

    const uint16_t* second_image(const uint16_t* first, int64_t pair, int64_t image) const {
        return 2 * pair + 1 < g_.n ? first + image : nullptr;
    }

    // Runs of positions of dy's grid, one for each row: f(pair, p, q, count, position in the block).
    template <class F>
    void for_runs(F f) const {
        const int64_t image = int64_t(g_.p) * g_.q;
        for (int64_t done = 0; done < positions_;) {
            const int64_t at = first_ + done, pair = at / image, p = at % image / g_.q, q = at % g_.q;
            const int64_t count = std::min<int64_t>(g_.q - q, positions_ - done);
            f(pair, p, q, count, done);
            done += count;
        }
    }

    void pack_x(int64_t c, int64_t panels) {
        const int64_t image = int64_t(g_.h) * g_.w * g_.c;
        if (plan_.is_pointwise) {
            for_runs([&](int64_t pair, int64_t p, int64_t q, int64_t count, int64_t done) {
                const uint16_t* a = x_ + 2 * pair * image + (p * g_.stride * g_.w + q * g_.stride) * g_.c + c;
                pack_x_run(a, second_image(a, pair, image), int64_t(g_.stride) * g_.c, count, g_.c - c,
                           x_panels_ + done * kXStep, x_panel_bytes_, panels);
            });
            return;
        }
        const int64_t rows = h_end_ - h_begin_;
        for (int64_t i = 0; i < pairs_; i++) {
            const uint16_t* a = x_ + 2 * (first_pair_ + i) * image + h_begin_ * g_.w * g_.c + c;
            pack_x_run(a, second_image(a, first_pair_ + i, image), g_.c, rows * g_.w, g_.c - c,
                       x_panels_ + i * rows * g_.w * kXStep, x_panel_bytes_, panels);
        }
    }

    void pack_y(int64_t k, int64_t panels) {
        const int64_t image = int64_t(g_.p) * g_.q * g_.k;
        if (plan_.is_pointwise) {
            for_runs([&](int64_t pair, int64_t p, int64_t q, int64_t count, int64_t done) {
                const uint16_t* a = dy_ + 2 * pair * image + (p * g_.q + q) * g_.k + k;
                pack_y_run(a, second_image(a, pair, image), g_.k, count, g_.k - k,
                           y_panels_ + done * kYStep, y_panel_bytes_, panels);
            });
            return;
        }
        const int64_t count = (p_end_ - p_begin_) * g_.q;
        for (int64_t i = 0; i < pairs_; i++) {
            const uint16_t* a = dy_ + 2 * (first_pair_ + i) * image + p_begin_ * g_.q * g_.k + k;
            pack_y_run(a, second_image(a, first_pair_ + i, image), g_.k, count, g_.k - k,
                       y_panels_ + i * count * kYStep, y_panel_bytes_, panels);
        }
    }

    // The positions at which tap (r, s) lies inside x; where they begin in the panels.
    Positions positions_of(int r, int s, int64_t& y_offset, int64_t& x_offset) const {
        Positions at{};
        if (plan_.is_pointwise) {
            y_offset = x_offset = 0;
            at.pairs = 1;
            at.rows = std::max<int64_t>(1, positions_ / kRun);
            at.columns = std::min(kRun, positions_);
            at.tail = positions_ - at.rows * at.columns;
            at.y_row = kRun * kYStep;
            at.x_row = kRun * kXStep;
            at.x_column = kXStep;
            return at;
        }
        const int64_t stride = g_.stride, rows = h_end_ - h_begin_;
        const int64_t p_low = std::max(p_begin_, g_.pad > r ? ceil_div(g_.pad - r, stride) : 0);
        const int64_t p_high = std::min(p_end_, g_.h - 1 + g_.pad - r < 0 ? 0 : (g_.h - 1 + g_.pad - r) / stride + 1);
        const int64_t q_low = g_.pad > s ? ceil_div(g_.pad - s, stride) : 0;
        const int64_t q_high = std::min<int64_t>(g_.q, g_.w - 1 + g_.pad - s < 0 ? 0 : (g_.w - 1 + g_.pad - s) / stride + 1);
        at.pairs = pairs_;
        at.rows = std::max<int64_t>(0, p_high - p_low);
        at.columns = std::max<int64_t>(0, q_high - q_low);
        at.y_row = g_.q * kYStep;
        at.y_pair = (p_end_ - p_begin_) * g_.q * kYStep;
        at.x_column = stride * kXStep;
        at.x_row = stride * g_.w * kXStep;
        at.x_pair = rows * g_.w * kXStep;
        y_offset = ((p_low - p_begin_) * g_.q + q_low) * kYStep;
        x_offset = ((p_low * stride + r - g_.pad - h_begin_) * g_.w + q_low * stride + s - g_.pad) * kXStep;
        return at;
    }

    void multiply(int64_t k, int64_t k_panels, int64_t c, int64_t c_panels, float* dw, bool adds, int64_t lines) {
        const int64_t row = int64_t(g_.r) * g_.s * g_.c;
        for (int64_t j = 0; j < c_panels; j++) {
            const __mmask32 channels = mask_of(g_.c - (c + j) * kChannels);
            for (int64_t i = 0; i < k_panels; i++) {
                const int filters = int(std::min<int64_t>(kFilters, g_.k - (k + i) * kFilters));
                if (filters <= 0)
                    break;
                float* to = dw + (k + i) * kFilters * row + (c + j) * kChannels;
                for (int r = 0; r < g_.r; r++)
                    for (int s = 0; s < g_.s; s++) {
                        int64_t y_offset, x_offset;
                        const Positions at = positions_of(r, s, y_offset, x_offset);
                        (adds ? tile<true> : tile<false>)(at, y_panels_ + i * y_panel_bytes_ + y_offset,
                            x_panels_ + j * x_panel_bytes_ + x_offset, to + (r * g_.s + s) * g_.c, row, filters, channels, ahead_,
                            lines);
                    }
            }
        }
    }

    const Plan& plan_;
    const crn_convolution& g_;
    const uint16_t *x_, *dy_;
    char *x_panels_, *y_panels_;
    Prefetcher ahead_;
    int64_t first_ = 0, positions_ = 0;
    int64_t first_pair_ = 0, pairs_ = 0, p_begin_ = 0, p_end_ = 0, h_begin_ = 0, h_end_ = 0;
    int64_t x_panel_bytes_ = 0, y_panel_bytes_ = 0;
};

int64_t gradient_bytes(const Plan& plan) { return round_up(plan.gradient * sizeof(float), 4096); }

}  // namespace

int64_t crn_wgrad_bf16_workspace(const crn_convolution* g, int32_t threads) {
    const Plan plan = plan_for(*g, threads);
    return threads * (plan.x_bytes + plan.y_bytes) + (plan.position_shares - 1) * gradient_bytes(plan);
}

void crn_wgrad_bf16(const crn_convolution* g, int32_t threads, const uint16_t* x, const uint16_t* dy, float* dw,
                    void* workspace) {
    const Plan plan = plan_for(*g, threads);
    char* gradients = (char*)workspace + threads * (plan.x_bytes + plan.y_bytes);
    const int64_t k_panels = ceil_div(g->k, kFilters), c_panels = ceil_div(g->c, kChannels);
#pragma omp parallel num_threads(threads)
    for (int share = omp_get_thread_num(); share < threads; share += omp_get_num_threads()) {
        const int filters = share % plan.filter_shares, channels = share % plan.channel_shares;
        const int positions = share / (plan.filter_shares * plan.channel_shares);
        if (positions >= plan.position_shares)
            continue;
        // Shares of filters begin at multiples of four panels: dy is interleaved 32 filters at a time.
        const int64_t quads = ceil_div(k_panels, 4);
        const int64_t k_begin = std::min(k_panels, quads * filters / plan.filter_shares * 4);
        const int64_t k_end = std::min(k_panels, quads * (filters + 1) / plan.filter_shares * 4);
        const int64_t c_begin = c_panels * channels / plan.channel_shares;
        const int64_t c_end = c_panels * (channels + 1) / plan.channel_shares;
        const int64_t begin = plan.blocks * positions / plan.position_shares;
        const int64_t end = plan.blocks * (positions + 1) / plan.position_shares;
        float* gradient = positions == 0 ? dw : (float*)(gradients + (positions - 1) * gradient_bytes(plan));
        Worker(plan, x, dy, (char*)workspace + share * (plan.x_bytes + plan.y_bytes))
            .run(c_begin, c_end, k_begin, k_end, begin, end, gradient);
    }
    if (plan.position_shares == 1)
        return;
    // The shares' sums are added in their order, whichever thread does it.
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t line = 0; line < ceil_div(plan.gradient, 16); line++) {
        const __mmask16 mask = __mmask16(mask_of(std::min<int64_t>(16, plan.gradient - line * 16)));
        __m512 sum = _mm512_maskz_loadu_ps(mask, dw + line * 16);
        for (int64_t share = 1; share < plan.position_shares; share++)
            sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, (float*)(gradients + (share - 1) * gradient_bytes(plan)) + line * 16));
        _mm512_mask_storeu_ps(dw + line * 16, mask, sum);
    }
}
