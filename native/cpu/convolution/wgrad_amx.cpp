// wgrad in bf16 with AMX: dw[k][r][s][c] = sum over images and positions of dy[n][p][q][k] * x[n][p*stride+r-pad][...][c].
//
// As in wgrad_bf16.cpp a pair along the sum is one position of two neighbouring images, so that one copy of x serves every
// tap. A product takes 16 positions at once: dy is transposed to rows of filters, and x lies as rows of positions, with the
// padding around it, so that a tap is nothing but another first position. Where the stride is 2, the four parities of row and
// column lie in planes of their own, and positions that follow each other in dy do so there too. Rows of dy are as long as
// those of x's planes: what lies between them is zeros.
// The compiler's own headers leave vectors undefined on purpose.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#include <omp.h>
#include <string.h>

#include <algorithm>

#include "cudnnresnet_cpu.h"
#include "tile/tile_config.h"
#include "tile/transpose.h"
#include "vector/rounding.h"

namespace {

using crn::ceil_div;
using crn::round_up;

constexpr int64_t kChannels = 32;      // of x, and filters of dy, in a panel
constexpr int64_t kPositions = 16;     // of a product
constexpr int64_t kXStep = 128;        // bytes of a position in a panel of x: 32 pairs
constexpr int64_t kTileBytes = 1024;
constexpr int64_t kSumBytes = 4 * kTileBytes;  // 32 filters by 32 channels in float32

// Positions of a block: a panel of x and one of dy stay in the L1 cache while all taps are multiplied.
constexpr int64_t kBlockPositions = 160;
// Panels of a block: together they stay in an L2 cache of 2 MiB.
constexpr int64_t kXBlockBytes = 768 << 10;
constexpr int64_t kYBlockBytes = 512 << 10;
// Up to this size every thread sums a gradient of its own over its share of the positions.
constexpr int64_t kPrivateGradientBytes = 512 << 10;

struct Plan {
    Plan(const crn_convolution& g, int threads);

    crn_convolution g;
    int64_t taps, parities;           // parities of rows, and as many of columns
    int64_t pitch;                    // positions of a row in a plane of x and in dy
    int64_t x_panels, y_panels;       // of all channels and filters
    int64_t pairs, block_pairs, block_rows, row_blocks, blocks;
    int64_t plane, x_pair, y_pair;    // most positions of a plane; bytes of a pair of images in a panel of x and of dy
    int64_t x_block, y_block;         // panels of a block
    int channel_shares = 1, filter_shares = 1, position_shares = 1;

    int64_t positions(int64_t rows) const { return round_up(rows * pitch, kPositions); }
    int64_t x_panel() const { return block_pairs * x_pair; }
    int64_t y_panel() const { return block_pairs * y_pair; }
    int64_t panels_bytes() const { return x_block * x_panel() + y_block * y_panel(); }
    int64_t gradient_bytes() const { return x_panels * y_panels * taps * kSumBytes; }
};

Plan::Plan(const crn_convolution& g, int threads) : g(g) {
    taps = int64_t(g.r) * g.s;
    const bool pads = g.pad > 0;
    parities = pads ? g.stride : 1;
    pitch = pads ? g.q + 1 : g.q;
    x_panels = g.c / kChannels;
    y_panels = g.k / kChannels;
    pairs = ceil_div(g.n, 2);
    if (g.p * pitch <= kBlockPositions) {
        block_pairs = std::min(pairs, kBlockPositions / (g.p * pitch));
        block_rows = g.p;
    } else {
        block_pairs = 1;
        const int64_t most = std::max<int64_t>(1, kBlockPositions / pitch);
        block_rows = ceil_div(g.p, ceil_div(g.p, most));
    }
    row_blocks = ceil_div(g.p, block_rows);
    blocks = ceil_div(pairs, block_pairs) * row_blocks;
    // The last tap begins two rows and two columns behind the first, or one where parities have planes.
    const int64_t reach = pads ? (parities == 2 ? pitch + 1 : 2 * pitch + 2) : 0;
    plane = positions(block_rows) + reach;
    x_pair = round_up(parities * parities * plane * kXStep, 4096) + 5 * 64;
    y_pair = positions(block_rows) / kPositions * 2 * kTileBytes;

    if (gradient_bytes() <= kPrivateGradientBytes && blocks >= 2 * threads)
        position_shares = threads;
    else if (x_panels > y_panels)
        channel_shares = int(std::min<int64_t>(threads, x_panels));
    else
        filter_shares = int(std::min<int64_t>(threads, y_panels));
    const auto fitting = [](int64_t panels, int64_t budget, int64_t bytes) {
        return ceil_div(panels, ceil_div(panels, std::max<int64_t>(1, budget / bytes)));
    };
    x_block = fitting(ceil_div(x_panels, channel_shares), kXBlockBytes, x_panel());
    y_block = fitting(ceil_div(y_panels, filter_shares), kYBlockBytes, y_panel());
}

// Sixteen channels of two images, alternating.
__attribute__((always_inline)) inline __m512i interleave(__m256i a, __m256i b) {
    return _mm512_or_si512(_mm512_cvtepu16_epi32(a), _mm512_slli_epi32(_mm512_cvtepu16_epi32(b), 16));
}

__attribute__((always_inline)) inline __m512i pair(const uint16_t* a, const uint16_t* b) {
    return interleave(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a)),
                      b ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b)) : _mm256_setzero_si256());
}

// One thread's part: its shares of channels, of filters and of blocks.
class Worker {
public:
    Worker(const Plan& plan, const uint16_t* x, const uint16_t* dy, char* panels, char* sums)
        : plan_(plan), g_(plan.g), x_(x), dy_(dy), x_panels_(panels), y_panels_(panels + plan.x_block * plan.x_panel()), sums_(sums) {
        TileConfig().load();
    }

    ~Worker() { _tile_release(); }

    void run(int64_t c_begin, int64_t c_end, int64_t k_begin, int64_t k_end, int64_t block_begin, int64_t block_end) {
        for (int64_t block = block_begin; block < block_end; block++) {
            first_pair_ = block / plan_.row_blocks * plan_.block_pairs;
            pairs_ = std::min(plan_.block_pairs, plan_.pairs - first_pair_);
            first_row_ = block % plan_.row_blocks * plan_.block_rows;
            rows_ = std::min<int64_t>(plan_.block_rows, g_.p - first_row_);
            for (int64_t c = c_begin; c < c_end; c += plan_.x_block) {
                const int64_t c_last = std::min(c + plan_.x_block, c_end);
                pack_x(c, c_last);
                for (int64_t k = k_begin; k < k_end; k += plan_.y_block) {
                    const int64_t k_last = std::min(k + plan_.y_block, k_end);
                    pack_y(k, k_last);
                    for (int64_t i = c; i < c_last; i++)
                        for (int64_t j = k; j < k_last; j++)
                            multiply(i, x_panels_ + (i - c) * plan_.x_panel(), j, y_panels_ + (j - k) * plan_.y_panel(), block > block_begin);
                }
            }
        }
    }

private:
    // Planes of x for all pairs of images of the block, everything around the image and behind the last row zero.
    void pack_x(int64_t begin, int64_t end) const {
        const int64_t image = int64_t(g_.h) * g_.w * g_.c, step = plan_.parities == 2 ? 2 : plan_.g.pad > 0 ? 1 : g_.stride;
        for (int64_t pair_index = 0; pair_index < pairs_; pair_index++) {
            const int64_t n = 2 * (first_pair_ + pair_index);
            const uint16_t* a = x_ + n * image + begin * kChannels;
            const uint16_t* b = n + 1 < g_.n ? a + image : nullptr;
            char* to = x_panels_ + pair_index * plan_.x_pair;
            for (int64_t parity = 0; parity < plan_.parities * plan_.parities; parity++) {
                int64_t i = first_row_ * g_.stride - g_.pad + parity / plan_.parities, j = parity % plan_.parities - g_.pad;
                for (int64_t position = 0, column = 0; position < plan_.plane; position++, to += kXStep) {
                    const bool inside = i >= 0 && i < g_.h && j >= 0 && j < g_.w;
                    pack_x_position(a, inside && b ? b : nullptr, inside, (i * g_.w + j) * g_.c, end - begin, to);
                    j += step;
                    if (++column == plan_.pitch) {
                        column = 0;
                        j = parity % plan_.parities - g_.pad;
                        i += step;
                    }
                }
            }
        }
    }

    void pack_x_position(const uint16_t* a, const uint16_t* b, bool inside, int64_t offset, int64_t panels, char* to) const {
        for (int64_t panel = 0; panel < panels; panel++, to += plan_.x_panel())
            for (int64_t half = 0; half < 2; half++) {
                const int64_t at = offset + panel * kChannels + half * 16;
                _mm512_store_si512(to + half * 64, inside ? pair(a + at, b ? b + at : nullptr) : _mm512_setzero_si512());
            }
    }

    // Sixteen positions of dy at a time, two tiles of sixteen filters for each panel.
    void pack_y(int64_t begin, int64_t end) const {
        const int64_t image = int64_t(g_.p) * g_.q * g_.k;
        for (int64_t pair_index = 0; pair_index < pairs_; pair_index++) {
            const int64_t n = 2 * (first_pair_ + pair_index);
            const uint16_t* a = dy_ + n * image + first_row_ * g_.q * g_.k;
            const bool has_second = n + 1 < g_.n;
            char* to = y_panels_ + pair_index * plan_.y_pair;
            for (int64_t first = 0; first < plan_.positions(rows_); first += kPositions, to += 2 * kTileBytes) {
                const uint16_t* at[kPositions];
                for (int64_t i = 0; i < kPositions; i++) {
                    const int64_t row = (first + i) / plan_.pitch, column = (first + i) % plan_.pitch;
                    at[i] = row < rows_ && column < g_.q ? a + (row * g_.q + column) * g_.k : nullptr;
                }
                for (int64_t half = 2 * begin; half < 2 * end; half++) {
                    __m512i rows[kPositions];
#pragma GCC unroll 16
                    for (int64_t i = 0; i < kPositions; i++) {
                        const uint16_t* from = at[i] + half * 16;
                        rows[i] = at[i] ? pair(from, has_second ? from + image : nullptr) : _mm512_setzero_si512();
                    }
                    transpose(rows);
                    char* tile = to + (half / 2 - begin) * plan_.y_panel() + half % 2 * kTileBytes;
#pragma GCC unroll 16
                    for (int64_t i = 0; i < kPositions; i++)
                        _mm512_store_si512(tile + i * 64, rows[i]);
                }
            }
        }
    }

    // 32 filters by 32 channels, all taps.
    void multiply(int64_t c, const char* x, int64_t k, const char* y, bool adds) const {
        const int64_t steps = plan_.positions(rows_) / kPositions;
        char* sums = sums_ + (k * plan_.x_panels + c) * plan_.taps * kSumBytes;
        for (int64_t r = 0; r < g_.r; r++)
            for (int64_t s = 0; s < g_.s; s++, sums += kSumBytes) {
                const int64_t parity = r % plan_.parities * plan_.parities + s % plan_.parities;
                const int64_t first = parity * plan_.plane + r / plan_.parities * plan_.pitch + s / plan_.parities;
                load(sums, adds);
                for (int64_t pair_index = 0; pair_index < pairs_; pair_index++) {
                    const char* b = x + pair_index * plan_.x_pair + first * kXStep;
                    const char* a = y + pair_index * plan_.y_pair;
                    for (int64_t step = 0; step < steps; step++, a += 2 * kTileBytes, b += kPositions * kXStep) {
                        _tile_loadd(6, b, kXStep);
                        _tile_loadd(4, a, 64);
                        _tile_dpbf16ps(0, 4, 6);
                        _tile_loadd(7, b + 64, kXStep);
                        _tile_dpbf16ps(1, 4, 7);
                        _tile_loadd(5, a + kTileBytes, 64);
                        _tile_dpbf16ps(2, 5, 6);
                        _tile_dpbf16ps(3, 5, 7);
                    }
                }
                _tile_stored(0, sums, 64);
                _tile_stored(1, sums + kTileBytes, 64);
                _tile_stored(2, sums + 2 * kTileBytes, 64);
                _tile_stored(3, sums + 3 * kTileBytes, 64);
            }
    }

    static void load(const char* sums, bool adds) {
        if (adds) {
            _tile_loadd(0, sums, 64);
            _tile_loadd(1, sums + kTileBytes, 64);
            _tile_loadd(2, sums + 2 * kTileBytes, 64);
            _tile_loadd(3, sums + 3 * kTileBytes, 64);
        } else {
            _tile_zero(0);
            _tile_zero(1);
            _tile_zero(2);
            _tile_zero(3);
        }
    }

    const Plan& plan_;
    const crn_convolution& g_;
    const uint16_t *x_, *dy_;
    char *x_panels_, *y_panels_, *sums_;
    int64_t first_pair_ = 0, pairs_ = 0, first_row_ = 0, rows_ = 0;
};

// Sums of all shares, in their order, from tiles to dw.
void unpack(const Plan& plan, const char* sums, int64_t unit, float* dw) {
    const int64_t k = unit / plan.x_panels, c = unit % plan.x_panels;
    const char* from = sums + unit * plan.taps * kSumBytes;
    for (int64_t tap = 0; tap < plan.taps; tap++)
        for (int64_t row = 0; row < 64; row++, from += 64) {
            // Four tiles: filters 0 to 15 with channels 0 to 15 and with 16 to 31, then filters 16 to 31 likewise.
            const int64_t tile = row / 16, filter = k * kChannels + tile / 2 * 16 + row % 16;
            __m512 sum = _mm512_load_ps(from);
            for (int64_t share = 1; share < plan.position_shares; share++)
                sum = _mm512_add_ps(sum, _mm512_load_ps(from + share * plan.gradient_bytes()));
            _mm512_storeu_ps(dw + (filter * plan.taps + tap) * plan.g.c + c * kChannels + tile % 2 * 16, sum);
        }
}

}  // namespace

int64_t crn_wgrad_amx_workspace(const crn_convolution* g, int32_t threads) {
    const Plan plan(*g, threads);
    return threads * plan.panels_bytes() + plan.position_shares * plan.gradient_bytes();
}

void crn_wgrad_amx(const crn_convolution* g, int32_t threads, const uint16_t* x, const uint16_t* dy, float* dw, void* workspace) {
    const Plan plan(*g, threads);
    char* sums = static_cast<char*>(workspace) + threads * plan.panels_bytes();
#pragma omp parallel num_threads(threads)
    {
        for (int share = omp_get_thread_num(); share < threads; share += omp_get_num_threads()) {
            const int filters = share % plan.filter_shares, channels = share % plan.channel_shares;
            const int positions = share / (plan.filter_shares * plan.channel_shares);
            if (positions >= plan.position_shares)
                continue;
            Worker(plan, x, dy, static_cast<char*>(workspace) + share * plan.panels_bytes(), sums + positions * plan.gradient_bytes())
                .run(plan.x_panels * channels / plan.channel_shares, plan.x_panels * (channels + 1) / plan.channel_shares,
                     plan.y_panels * filters / plan.filter_shares, plan.y_panels * (filters + 1) / plan.filter_shares,
                     plan.blocks * positions / plan.position_shares, plan.blocks * (positions + 1) / plan.position_shares);
        }
#pragma omp barrier
#pragma omp for schedule(static)
        for (int64_t unit = 0; unit < plan.x_panels * plan.y_panels; unit++)
            unpack(plan, sums, unit, dw);
    }
}
