// Convolutions and linear layers as implicit matrix products in float32, of any stride, padding and channel count: what
// runs where no library takes the shape. Tiles of 64 x 64 results; the factors are gathered as they are needed.
#include "lanes.h"

constexpr int kTile = 64;
constexpr int kDepth = 16;
constexpr int kTileThreads = 16;             // Along each side of a tile.
constexpr int kSide = kTile / kTileThreads;  // Results of a thread along each side.

/// x[n, h, w, c], filter[k, r, s, c], y[n, p, q, k].
struct Convolution {
    int n, h, w, c, k, r, s, stride, padding, p, q;
};

/// Forward: pixels x (taps, channels) times (taps, channels) x filters.
template <class T, class Y>
struct Forward {
    static constexpr bool left_along_depth = true, right_along_depth = true;
    Convolution g;
    const T* x;
    const float* w;
    const float* bias;
    Y* y;

    MEMBER float left(i64 pixel, i64 depth) const {
        const int channel = static_cast<int>(depth) % g.c, tap = static_cast<int>(depth) / g.c;
        const int q = static_cast<int>(pixel % g.q), p = static_cast<int>(pixel / g.q % g.p);
        const i64 image = pixel / g.q / g.p;
        const int row = p * g.stride - g.padding + tap / g.s, column = q * g.stride - g.padding + tap % g.s;
        if (row < 0 || row >= g.h || column < 0 || column >= g.w)
            return 0;
        return widen(load(x + ((image * g.h + row) * g.w + column) * g.c + channel));
    }
    MEMBER float right(i64 depth, i64 filter) const {
        return rounded<T>(load(w + filter * g.r * g.s * g.c + depth));
    }
    MEMBER void put(i64 pixel, i64 filter, float sum) const {
        if (bias != nullptr)
            sum += load(bias + filter);
        store(y + pixel * g.k + filter, narrow<Y>(sum));
    }
};

/// Backward data: pixels of x times (taps, filters), that times (taps, filters) x channels.
template <class T, class Dy>
struct BackwardData {
    static constexpr bool left_along_depth = true, right_along_depth = false;
    Convolution g;
    const Dy* dy;
    const float* w;
    T* dx;

    MEMBER float left(i64 pixel, i64 depth) const {
        const int filter = static_cast<int>(depth) % g.k, tap = static_cast<int>(depth) / g.k;
        const int column = static_cast<int>(pixel % g.w), row = static_cast<int>(pixel / g.w % g.h);
        const i64 image = pixel / g.w / g.h;
        const int below = row + g.padding - tap / g.s, beside = column + g.padding - tap % g.s;
        if (below < 0 || beside < 0 || below % g.stride != 0 || beside % g.stride != 0)
            return 0;
        const int p = below / g.stride, q = beside / g.stride;
        if (p >= g.p || q >= g.q)
            return 0;
        return widen(load(dy + ((image * g.p + p) * g.q + q) * g.k + filter));
    }
    MEMBER float right(i64 depth, i64 channel) const {
        const int tap = static_cast<int>(depth) / g.k;
        const i64 filter = static_cast<int>(depth) % g.k;
        return rounded<T>(load(w + (filter * g.r * g.s + tap) * g.c + channel));
    }
    MEMBER void put(i64 pixel, i64 channel, float sum) const { store(dx + pixel * g.c + channel, narrow<T>(sum)); }
};

/// Backward filter: filters x pixels times pixels x (taps, channels).
template <class T, class Dy>
struct BackwardFilter {
    static constexpr bool left_along_depth = false, right_along_depth = false;
    Convolution g;
    const T* x;
    const Dy* dy;
    float* dw;

    MEMBER float left(i64 filter, i64 pixel) const { return widen(load(dy + pixel * g.k + filter)); }
    MEMBER float right(i64 pixel, i64 column) const { return Forward<T, float>{g, x, nullptr, nullptr, nullptr}.left(pixel, column); }
    MEMBER void put(i64 filter, i64 column, float sum) const { store(dw + filter * g.r * g.s * g.c + column, sum); }
};

/// One tile of the product over depths [begin, end).
template <class Factors>
DEVICE void product_tile(const Factors& factors, i64 first_row, i64 rows, i64 first_column, i64 columns, i64 begin, i64 end) {
    SHARED_ARRAY(float, left, kDepth * (kTile + 1));
    SHARED_ARRAY(float, right, kDepth * (kTile + 1));
    const int thread = static_cast<int>(threadIdx.x);
    const int across = thread % kTileThreads, down = thread / kTileThreads;
    float sums[kSide][kSide] = {};
    for (i64 depth = begin; depth < end; depth += kDepth) {
#pragma unroll 1
        for (int i = thread; i < kDepth * kTile; i += kMaxBlockThreads) {
            // Neighbouring threads read neighbouring addresses.
            const int left_depth = Factors::left_along_depth ? i % kDepth : i / kTile;
            const int left_row = Factors::left_along_depth ? i / kDepth : i % kTile;
            const int right_depth = Factors::right_along_depth ? i % kDepth : i / kTile;
            const int right_column = Factors::right_along_depth ? i / kDepth : i % kTile;
            left[left_depth * (kTile + 1) + left_row] = first_row + left_row < rows && depth + left_depth < end
                ? factors.left(first_row + left_row, depth + left_depth) : 0;
            right[right_depth * (kTile + 1) + right_column] = first_column + right_column < columns && depth + right_depth < end
                ? factors.right(depth + right_depth, first_column + right_column) : 0;
        }
        barrier();
#pragma unroll 4
        for (int d = 0; d < kDepth; d++)
#pragma unroll
            for (int i = 0; i < kSide; i++)
#pragma unroll
                for (int j = 0; j < kSide; j++)
                    sums[i][j] = fused(left[d * (kTile + 1) + down + i * kTileThreads],
                                       right[d * (kTile + 1) + across + j * kTileThreads], sums[i][j]);
        barrier();
    }
    for (int i = 0; i < kSide; i++)
        for (int j = 0; j < kSide; j++) {
            const i64 row = first_row + down + i * kTileThreads, column = first_column + across + j * kTileThreads;
            if (row < rows && column < columns)
                factors.put(row, column, sums[i][j]);
        }
}

/// Every block takes tiles, a grid's width apart.
template <class Factors>
DEVICE void product(const Factors& factors, i64 rows, i64 columns, i64 depth) {
    const i64 across = (columns + kTile - 1) / kTile, tiles = (rows + kTile - 1) / kTile * across;
    for (i64 tile = blockIdx.x; tile < tiles; tile += gridDim.x)
        product_tile(factors, tile / across * kTile, rows, tile % across * kTile, columns, 0, depth);
}

/// dw of `splits` shares of the pixels, one after the other in `partial`.
template <class T, class Dy>
DEVICE void filter_gradients(const Convolution& g, const T* x, const Dy* dy, float* partial, int splits) {
    const i64 columns = static_cast<i64>(g.r) * g.s * g.c, pixels = static_cast<i64>(g.n) * g.p * g.q;
    const i64 across = (columns + kTile - 1) / kTile, tiles = (g.k + kTile - 1) / kTile * across;
    const i64 share = (pixels + splits - 1) / splits;
    for (i64 i = blockIdx.x; i < tiles * splits; i += gridDim.x) {
        const i64 tile = i % tiles, split = i / tiles;
        const i64 begin = split * share, end = begin + share < pixels ? begin + share : pixels;
        product_tile(BackwardFilter<T, Dy>{g, x, dy, partial + split * g.k * columns}, tile / across * kTile, g.k,
                     tile % across * kTile, columns, begin, end);
    }
}

// Blocks of 256 threads, any grid; bias may be null. Filters are float32, rounded to the activations' type as they are
// read. partial: splits * k * r * s * c floats, which sum_splits adds up (with one split it is dw itself).
// The linear layer is h = w = r = s = p = q = 1; its y and dy are float32.
#define CONVOLUTION(T, suffix)                                                                     \
    KERNEL(conv_forward_##suffix, const T* x, const float* w, const float* bias, T* y, Convolution g) { \
        product(Forward<T, T>{g, x, w, bias, y}, static_cast<i64>(g.n) * g.p * g.q, g.k, static_cast<i64>(g.r) * g.s * g.c); \
    }                                                                                              \
    KERNEL(conv_backward_data_##suffix, const T* dy, const float* w, T* dx, Convolution g) {       \
        product(BackwardData<T, T>{g, dy, w, dx}, static_cast<i64>(g.n) * g.h * g.w, g.c, static_cast<i64>(g.r) * g.s * g.k); \
    }                                                                                              \
    KERNEL(conv_backward_filter_##suffix, const T* x, const T* dy, float* partial, Convolution g, int splits) { \
        filter_gradients(g, x, dy, partial, splits);                                               \
    }

FOR_ACTIVATION_TYPES(CONVOLUTION)

#define LINEAR(T, suffix)                                                                          \
    KERNEL(linear_forward_##suffix, const T* x, const float* w, const float* bias, float* y, Convolution g) { \
        product(Forward<T, float>{g, x, w, bias, y}, g.n, g.k, g.c);                               \
    }                                                                                              \
    KERNEL(linear_backward_data_##suffix, const float* dy, const float* w, T* dx, Convolution g) { \
        product(BackwardData<T, float>{g, dy, w, dx}, g.n, g.c, g.k);                              \
    }                                                                                              \
    KERNEL(linear_backward_filter_##suffix, const T* x, const float* dy, float* partial, Convolution g, int splits) { \
        filter_gradients(g, x, dy, partial, splits);                                               \
    }

FOR_ACTIVATION_TYPES(LINEAR)

// dw = the sum of `splits` arrays, in their order; any grid.
KERNEL(sum_splits, const float* partial, float* dw, i64 elements, int splits) {
    over_elements<kLanesOf<float>>(elements, [&](i64 i, auto lanes) {
        constexpr int n = decltype(lanes)::count;
        float sum[n] = {}, share[n];
        for (int split = 0; split < splits; split++) {
            // Whole vectors only where each array begins at one.
            if constexpr (n > 1) {
                if (elements % n == 0)
                    load_lanes(partial + split * elements + i, share);
                else
                    for (int l = 0; l < n; l++)
                        share[l] = load(partial + split * elements + i + l);
            } else {
                load_lanes(partial + split * elements + i, share);
            }
            for (int l = 0; l < n; l++)
                sum[l] += share[l];
        }
        store_lanes(dw + i, sum);
    });
}
