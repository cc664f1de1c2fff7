// Functions of the elements at one position, and of the channel's vectors: bandwidth is all that counts here.
#include "lanes.h"

template <class T, class Function>
DEVICE void map1(const T* __restrict__ a, T* y, i64 elements, const Function& function) {
    over_elements<kLanesOf<T>>(elements, [&](i64 i, auto lanes) {
        constexpr int n = decltype(lanes)::count;
        float values[n];
        load_lanes(a + i, values);
#pragma unroll
        for (int l = 0; l < n; l++)
            values[l] = function(values[l]);
        store_lanes(y + i, values);
    });
}

template <class T, class Function>
DEVICE void map2(const T* a, const T* b, T* y, i64 elements, const Function& function) {
    over_elements<kLanesOf<T>>(elements, [&](i64 i, auto lanes) {
        constexpr int n = decltype(lanes)::count;
        float left[n], right[n];
        load_lanes(a + i, left);
        load_lanes(b + i, right);
#pragma unroll
        for (int l = 0; l < n; l++)
            left[l] = function(left[l], right[l]);
        store_lanes(y + i, left);
    });
}

/// NaN passes, as in PyTorch.
DEVICE float relu(float x) { return x < 0 ? 0 : x; }

// y may be a: each element is read before it is written, by the same thread.
#define POINTWISE(T, suffix)                                                                      \
    KERNEL(relu_##suffix, const T* a, T* y, i64 elements) {                                        \
        map1(a, y, elements, [](float x) { return relu(x); });                                     \
    }                                                                                              \
    KERNEL(relu_backward_##suffix, const T* dy, const T* y, T* dx, i64 elements) {                 \
        map2(dy, y, dx, elements, [](float gradient, float forward) { return forward > 0 ? gradient : 0; }); \
    }                                                                                              \
    KERNEL(add_##suffix, const T* a, const T* b, T* y, i64 elements) {                             \
        map2(a, b, y, elements, [](float left, float right) { return left + right; });             \
    }                                                                                              \
    KERNEL(add_relu_##suffix, const T* a, const T* b, T* y, i64 elements) {                        \
        map2(a, b, y, elements, [](float left, float right) { return relu(left + right); });       \
    }                                                                                              \
    /* dx = (a + b) where y > 0: the join of two gradients before a mask. */                       \
    KERNEL(add_relu_backward_##suffix, const T* a, const T* b, const T* y, T* dx, i64 elements) {  \
        over_elements<kLanesOf<T>>(elements, [&](i64 i, auto lanes) {                              \
            constexpr int n = decltype(lanes)::count;                                              \
            float left[n], right[n], forward[n];                                                   \
            load_lanes(a + i, left);                                                               \
            load_lanes(b + i, right);                                                              \
            load_lanes(y + i, forward);                                                            \
            for (int l = 0; l < n; l++)                                                            \
                left[l] = forward[l] > 0 ? left[l] + right[l] : 0;                                 \
            store_lanes(dx + i, left);                                                             \
        });                                                                                        \
    }

FOR_ACTIVATION_TYPES(POINTWISE)

/// 16 bytes of the wider type at a time.
template <class From, class To>
DEVICE void cast(const From* x, To* y, i64 elements) {
    constexpr int vector = kLanesOf<From> > kLanesOf<To> ? kLanesOf<From> : kLanesOf<To>;
    over_elements<vector>(elements, [&](i64 i, auto lanes) {
        float values[decltype(lanes)::count];
        load_lanes(x + i, values);
        store_lanes(y + i, values);
    });
}

#define CAST(From, from, To, to) \
    KERNEL(cast_##from##_##to, const From* x, To* y, i64 elements) { cast(x, y, elements); }

/// Rows of channels into rows of another number of them: zeros where x has none, and none where y has no room. One
/// thread a row.
template <class From, class To>
DEVICE void pad_channels(const From* x, To* y, i64 rows, int from, int to) {
    constexpr int kLanes = kLanesOf<To>;
    const i64 stride = static_cast<i64>(gridDim.x) * blockDim.x;
    for (i64 row = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x; row < rows; row += stride) {
        const From* source = x + row * from;
        To* target = y + row * to;
        int c = 0;
        for (; to % kLanes == 0 && c < to; c += kLanes) {
            float values[kLanes];
#pragma unroll
            for (int l = 0; l < kLanes; l++)
                values[l] = c + l < from ? widen(load(source + c + l)) : 0.0f;
            store_lanes(target + c, values);
        }
        for (; c < to; c++)
            store(target + c, c < from ? narrow<To>(widen(load(source + c))) : narrow<To>(0.0f));
    }
}

#define PAD_CHANNELS(From, from, To, to)                                                              \
    KERNEL(pad_channels_##from##_##to, const From* x, To* y, i64 rows, int channels, int padded) { \
        pad_channels(x, y, rows, channels, padded);                                                   \
    }

PAD_CHANNELS(bf16, bf16, bf16, bf16)
PAD_CHANNELS(f16, f16, f16, f16)
PAD_CHANNELS(float, f32, float, f32)
PAD_CHANNELS(float, f32, bf16, bf16)
PAD_CHANNELS(float, f32, f16, f16)
PAD_CHANNELS(bf16, bf16, float, f32)
PAD_CHANNELS(f16, f16, float, f32)

CAST(float, f32, float, f32)
CAST(bf16, bf16, bf16, bf16)
CAST(f16, f16, f16, f16)
CAST(float, f32, bf16, bf16)
CAST(float, f32, f16, f16)
CAST(bf16, bf16, float, f32)
CAST(f16, f16, float, f32)
CAST(bf16, bf16, f16, f16)
CAST(f16, f16, bf16, bf16)

/// dx = dy where (x - mean) * gamma * inverse_deviation + beta is positive: the mask of a ReLU behind a norm, from its input.
template <int N, class T>
DEVICE void norm_relu_rows(const T* dy, const T* x, T* dx, const float* gamma, const float* beta, const float* mean,
                           const float* inverse_deviation, i64 rows, int channels) {
    float scale[N] = {}, shift[N] = {}, centre[N] = {};
    over_rows<N>(rows, channels, [&](i64 i, int channel, bool changed) {
        float gradient[N], values[N];
        load_lanes(dy + i, gradient);
        load_lanes(x + i, values);
        if (changed) {
            float deviation[N];
            load_lanes(gamma + channel, scale);
            load_lanes(beta + channel, shift);
            load_lanes(mean + channel, centre);
            load_lanes(inverse_deviation + channel, deviation);
            for (int l = 0; l < N; l++)
                scale[l] *= deviation[l];
        }
#pragma unroll
        for (int l = 0; l < N; l++)
            gradient[l] = fused(values[l] - centre[l], scale[l], shift[l]) > 0 ? gradient[l] : 0;
        store_lanes(dx + i, gradient);
    });
}

#define NORM_RELU(T, suffix)                                                                      \
    KERNEL(norm_relu_backward_##suffix, const T* dy, const T* x, T* dx, const float* gamma, const float* beta, \
           const float* mean, const float* inverse_deviation, i64 rows, int channels) {            \
        if (channels % kLanesOf<T> == 0)                                                           \
            norm_relu_rows<kLanesOf<T>>(dy, x, dx, gamma, beta, mean, inverse_deviation, rows, channels); \
        else                                                                                       \
            norm_relu_rows<1>(dy, x, dx, gamma, beta, mean, inverse_deviation, rows, channels);    \
    }

FOR_ACTIVATION_TYPES(NORM_RELU)

/// y = relu?((x - mean) * scale * deviation + shift (+ residual)). A null mean is 0. The deviation is either given
/// inverted, or made from the variance as 1 / sqrt(variance + epsilon), or 1 where both are null.
struct ChannelAffine {
    const float* scale;
    const float* shift;
    const float* mean;
    const float* inverse_deviation;
    const float* variance;
    float epsilon;
};

template <int N>
struct AffineLanes {
    float scale[N], shift[N], mean[N];

    MEMBER void load_from(const ChannelAffine& affine, int channel) {
        load_lanes(affine.scale + channel, scale);
        load_lanes(affine.shift + channel, shift);
        float factor[N];
        for (int l = 0; l < N; l++)
            mean[l] = 0;
        if (affine.mean != nullptr)
            load_lanes(affine.mean + channel, mean);
        if (affine.inverse_deviation != nullptr) {
            load_lanes(affine.inverse_deviation + channel, factor);
            for (int l = 0; l < N; l++)
                scale[l] *= factor[l];
        } else if (affine.variance != nullptr) {
            load_lanes(affine.variance + channel, factor);
            for (int l = 0; l < N; l++)
                scale[l] /= square_root(factor[l] + affine.epsilon);
        }
    }
};

template <int N, bool Adds, bool Rectifies, class T>
DEVICE void affine_rows(const T* x, const T* residual, T* y, const ChannelAffine& affine, i64 rows, int channels) {
    AffineLanes<N> operands;
    over_rows<N>(rows, channels, [&](i64 i, int channel, bool changed) {
        float values[N], added[N];
        load_lanes(x + i, values);
        if constexpr (Adds)
            load_lanes(residual + i, added);
        if (changed)
            operands.load_from(affine, channel);
#pragma unroll
        for (int l = 0; l < N; l++) {
            float value = fused(values[l] - operands.mean[l], operands.scale[l], operands.shift[l]);
            if constexpr (Adds)
                value += added[l];
            values[l] = Rectifies ? relu(value) : value;
        }
        store_lanes(y + i, values);
    });
}

template <bool Adds, bool Rectifies, class T>
DEVICE void affine(const T* x, const T* residual, T* y, const ChannelAffine& affine, i64 rows, int channels) {
    if (channels % kLanesOf<T> == 0)
        affine_rows<kLanesOf<T>, Adds, Rectifies>(x, residual, y, affine, rows, channels);
    else
        affine_rows<1, Adds, Rectifies>(x, residual, y, affine, rows, channels);
}

// Batch-norm inference, batch-norm apply and scale_bias alike; x[rows, channels].
#define AFFINE(T, suffix)                                                                         \
    KERNEL(affine_##suffix, const T* x, T* y, ChannelAffine vectors, i64 rows, int channels) {     \
        affine<false, false>(x, x, y, vectors, rows, channels);                                    \
    }                                                                                              \
    KERNEL(affine_relu_##suffix, const T* x, T* y, ChannelAffine vectors, i64 rows, int channels) { \
        affine<false, true>(x, x, y, vectors, rows, channels);                                     \
    }                                                                                              \
    KERNEL(affine_add_##suffix, const T* x, const T* residual, T* y, ChannelAffine vectors, i64 rows, \
           int channels) {                                                                         \
        affine<true, false>(x, residual, y, vectors, rows, channels);                              \
    }                                                                                              \
    KERNEL(affine_add_relu_##suffix, const T* x, const T* residual, T* y, ChannelAffine vectors, i64 rows, \
           int channels) {                                                                         \
        affine<true, true>(x, residual, y, vectors, rows, channels);                               \
    }

FOR_ACTIVATION_TYPES(AFFINE)
