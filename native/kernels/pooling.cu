// Pooling in NHWC, one channel vector of one position a turn. Backward passes gather, so that sums have one order.
#include "lanes.h"

struct Pool {
    int h, w, c, window, stride, padding, p, q;
};

struct Sampled {
    int h, w, c, k, stride, p, q, offset;
};

/// Of equal values the first in the window wins; a NaN wins over what came before it.
template <int N, class T>
DEVICE void max_pool(const T* x, T* y, unsigned char* argmax, const Pool& pool, i64 positions) {
    over_rows<N>(positions, pool.c, [&](i64 i, int channel, bool) {
        const i64 position = i / pool.c;
        const int q = static_cast<int>(position % pool.q);
        const i64 row = position / pool.q;
        const int p = static_cast<int>(row % pool.p);
        const i64 image = row / pool.p;
        float best[N] = {}, values[N];
        int at[N] = {};
        bool is_first = true;
        for (int r = 0; r < pool.window; r++) {
            const int h = p * pool.stride - pool.padding + r;
            if (h < 0 || h >= pool.h)
                continue;
            for (int s = 0; s < pool.window; s++) {
                const int w = q * pool.stride - pool.padding + s;
                if (w < 0 || w >= pool.w)
                    continue;
                load_lanes(x + ((image * pool.h + h) * pool.w + w) * pool.c + channel, values);
#pragma unroll
                for (int l = 0; l < N; l++)
                    if (is_first || values[l] > best[l] || values[l] != values[l]) {
                        best[l] = values[l];
                        at[l] = r * pool.window + s;
                    }
                is_first = false;
            }
        }
        store_lanes(y + i, best);
        if (argmax != nullptr)
            for (int l = 0; l < N; l++)
                store(argmax + i + l, static_cast<unsigned char>(at[l]));
    });
}

/// Each element of dx collects from the windows whose maximum it was.
template <int N, class T>
DEVICE void max_pool_backward(const T* dy, const unsigned char* argmax, T* dx, const Pool& pool, i64 positions) {
    over_rows<N>(positions, pool.c, [&](i64 i, int channel, bool) {
        const i64 position = i / pool.c;
        const int w = static_cast<int>(position % pool.w);
        const i64 row = position / pool.w;
        const int h = static_cast<int>(row % pool.h);
        const i64 image = row / pool.h;
        float sum[N], gradient[N];
#pragma unroll
        for (int l = 0; l < N; l++)
            sum[l] = 0;
        for (int r = 0; r < pool.window; r++) {
            const int above = h + pool.padding - r;
            if (above < 0 || above % pool.stride != 0 || above / pool.stride >= pool.p)
                continue;
            for (int s = 0; s < pool.window; s++) {
                const int before = w + pool.padding - s;
                if (before < 0 || before % pool.stride != 0 || before / pool.stride >= pool.q)
                    continue;
                const i64 from = ((image * pool.p + above / pool.stride) * pool.q + before / pool.stride) * pool.c + channel;
                load_lanes(dy + from, gradient);
#pragma unroll
                for (int l = 0; l < N; l++)
                    if (load(argmax + from + l) == r * pool.window + s)
                        sum[l] += gradient[l];
            }
        }
        store_lanes(dx + i, sum);
    });
}

template <int N, class T>
DEVICE void average_pool(const T* x, T* y, i64 images, int pixels, int channels) {
    over_rows<N>(images, channels, [&](i64 i, int channel, bool) {
        const T* image = x + i / channels * pixels * channels + channel;
        float sum[N], values[N];
#pragma unroll
        for (int l = 0; l < N; l++)
            sum[l] = 0;
        for (int pixel = 0; pixel < pixels; pixel++) {
            load_lanes(image + static_cast<i64>(pixel) * channels, values);
#pragma unroll
            for (int l = 0; l < N; l++)
                sum[l] += values[l];
        }
#pragma unroll
        for (int l = 0; l < N; l++)
            sum[l] /= static_cast<float>(pixels);
        store_lanes(y + i, sum);
    });
}

template <int N, class T>
DEVICE void average_pool_backward(const T* dy, T* dx, i64 images, int pixels, int channels) {
    over_rows<N>(images * pixels, channels, [&](i64 i, int channel, bool) {
        float gradient[N];
        load_lanes(dy + i / channels / pixels * channels + channel, gradient);
#pragma unroll
        for (int l = 0; l < N; l++)
            gradient[l] /= static_cast<float>(pixels);
        store_lanes(dx + i, gradient);
    });
}

/// The channels of every stride-th pixel in the middle of k, zeros around them. Offset, c and k are multiples of N.
template <int N, class T>
DEVICE void subsample(const T* x, T* y, const Sampled& g, i64 images) {
    over_rows<N>(images * g.p * g.q, g.k, [&](i64 i, int channel, bool) {
        const i64 position = i / g.k;
        const i64 row = position / g.q;
        const i64 line = row / g.p * g.h + row % g.p * g.stride;
        const int from = channel - g.offset;
        float values[N] = {};
        if (from >= 0 && from < g.c)
            load_lanes(x + (line * g.w + position % g.q * g.stride) * g.c + from, values);
        store_lanes(y + i, values);
    });
}

template <int N, class T>
DEVICE void subsample_backward(const T* dy, T* dx, const Sampled& g, i64 images) {
    over_rows<N>(images * g.h * g.w, g.c, [&](i64 i, int channel, bool) {
        const i64 position = i / g.c;
        const int w = static_cast<int>(position % g.w);
        const i64 row = position / g.w;
        const int h = static_cast<int>(row % g.h);
        float values[N] = {};
        if (h % g.stride == 0 && w % g.stride == 0)
            load_lanes(dy + ((row / g.h * g.p + h / g.stride) * g.q + w / g.stride) * g.k + g.offset + channel, values);
        store_lanes(dx + i, values);
    });
}

// Any grid. argmax may be null in max_pool.
#define BY_CHANNELS(T, channels, function, ...)                \
    if ((channels) % kLanesOf<T> == 0)                         \
        function<kLanesOf<T>>(__VA_ARGS__);                    \
    else                                                       \
        function<1>(__VA_ARGS__)

#define POOLING(T, suffix)                                                                         \
    KERNEL(max_pool_##suffix, const T* x, T* y, unsigned char* argmax, Pool pool, i64 images) {    \
        BY_CHANNELS(T, pool.c, max_pool, x, y, argmax, pool, images * pool.p * pool.q);            \
    }                                                                                              \
    KERNEL(max_pool_backward_##suffix, const T* dy, const unsigned char* argmax, T* dx, Pool pool, i64 images) { \
        BY_CHANNELS(T, pool.c, max_pool_backward, dy, argmax, dx, pool, images * pool.h * pool.w); \
    }                                                                                              \
    KERNEL(average_pool_##suffix, const T* x, T* y, i64 images, int pixels, int channels) {        \
        BY_CHANNELS(T, channels, average_pool, x, y, images, pixels, channels);                    \
    }                                                                                              \
    KERNEL(average_pool_backward_##suffix, const T* dy, T* dx, i64 images, int pixels, int channels) { \
        BY_CHANNELS(T, channels, average_pool_backward, dy, dx, images, pixels, channels);         \
    }                                                                                              \
    KERNEL(subsample_##suffix, const T* x, T* y, Sampled g, i64 images) {                          \
        BY_CHANNELS(T, g.c | g.k | g.offset, subsample, x, y, g, images);                          \
    }                                                                                              \
    KERNEL(subsample_backward_##suffix, const T* dy, T* dx, Sampled g, i64 images) {               \
        BY_CHANNELS(T, g.c | g.k | g.offset, subsample_backward, dy, dx, g, images);               \
    }

FOR_ACTIVATION_TYPES(POOLING)
