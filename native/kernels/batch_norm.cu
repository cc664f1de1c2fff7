// Batch norm in training. Statistics are formed in two kernels: partial ones over chunks of rows, one block a chunk and
// tile of channels, then one block for some channels over all chunks. Means and centred second moments are combined
// (Chan, Golub and LeVeque), never E[x^2] - E[x]^2, which cancels. Every order is fixed.
#include "reductions.h"

/// Threads of a block that lie along the channels; the others share out its rows. One tile is kTileThreads vectors.
constexpr int kTileThreads = 32;
constexpr int kTileRows = kMaxBlockThreads / kTileThreads;

/// Channels of one block that combines chunks, and the threads that share out the chunks of each.
constexpr int kFinishChannels = 8;
constexpr int kFinishThreads = kMaxBlockThreads / kFinishChannels;

struct Moments {
    float count, mean, squares;

    /// The moments of both together.
    MEMBER void include(const Moments& other) {
        const float total = count + other.count;
        if (total == 0)
            return;
        const float delta = other.mean - mean;
        const float share = other.count / total;
        mean = fused(delta, share, mean);
        squares += other.squares + delta * delta * count * share;
        count = total;
    }
};

/// blockIdx.x = chunk * tiles + tile. Sums are taken about the first row that a thread sees: it lies within a few
/// deviations of the mean, so that nothing cancels.
template <int N, class T>
DEVICE void partial_moments(const T* x, float* means, float* squares, i64 rows, int channels, i64 chunk_rows, int tiles) {
    const i64 chunk = blockIdx.x / tiles;
    const int lane = threadIdx.x % kTileThreads;
    const int slice = threadIdx.x / kTileThreads;
    const int channel = (static_cast<int>(blockIdx.x % tiles) * kTileThreads + lane) * N;
    const bool is_inside = channel < channels;
    const i64 begin = chunk * chunk_rows;
    const i64 end = begin + chunk_rows < rows ? begin + chunk_rows : rows;
    Moments moments[N];
    float pivot[N], sum[N], square[N], values[N];
#pragma unroll
    for (int l = 0; l < N; l++)
        pivot[l] = sum[l] = square[l] = 0;
    i64 count = 0;
    if (is_inside)
        for (i64 row = begin + slice; row < end; row += kTileRows) {
            load_lanes(x + row * channels + channel, values);
#pragma unroll
            for (int l = 0; l < N; l++) {
                if (count == 0)
                    pivot[l] = values[l];
                const float centred = values[l] - pivot[l];
                sum[l] += centred;
                square[l] = fused(centred, centred, square[l]);
            }
            count++;
        }
    SHARED_ARRAY(Moments, shared, kMaxBlockThreads);
#pragma unroll
    for (int l = 0; l < N; l++) {
        const float n = static_cast<float>(count);
        const float shift = count == 0 ? 0 : sum[l] / n;
        const float centred = square[l] - sum[l] * shift;
        moments[l] = {n, pivot[l] + shift, centred > 0 ? centred : 0 * centred};
        barrier();
        shared[threadIdx.x] = moments[l];
        barrier();
        if (slice == 0 && is_inside) {
            for (int other = 1; other < kTileRows; other++)
                moments[l].include(shared[other * kTileThreads + lane]);
            store(means + chunk * channels + channel + l, moments[l].mean);
            store(squares + chunk * channels + channel + l, moments[l].squares);
        }
    }
}

// Threads 256, blocks chunks * tiles; tiles = ceil(channels / (32 * lanes)), lanes = 16 bytes of T where they divide
// the channels, else 1. means and squares: chunks * channels floats each.
#define PARTIAL_MOMENTS(T, suffix)                                                                 \
    KERNEL(batch_norm_moments_##suffix, const T* x, float* means, float* squares, i64 rows, int channels, \
           i64 chunk_rows, int tiles) {                                                            \
        if (channels % kLanesOf<T> == 0)                                                           \
            partial_moments<kLanesOf<T>>(x, means, squares, rows, channels, chunk_rows, tiles);    \
        else                                                                                       \
            partial_moments<1>(x, means, squares, rows, channels, chunk_rows, tiles);              \
    }

FOR_ACTIVATION_TYPES(PARTIAL_MOMENTS)

// Threads 256, blocks ceil(channels / 8). Saved statistics may be null. The running variance takes the unbiased one.
KERNEL(batch_norm_finish, const float* means, const float* squares, float* saved_mean, float* saved_inverse_deviation,
       float* running_mean, float* running_variance, i64 rows, int channels, i64 chunk_rows, int chunks, float epsilon,
       float momentum) {
    SHARED_ARRAY(Moments, shared, kMaxBlockThreads);
    const int lane = threadIdx.x % kFinishChannels;
    const int slice = threadIdx.x / kFinishChannels;
    const int channel = static_cast<int>(blockIdx.x) * kFinishChannels + lane;
    Moments moments = {0, 0, 0};
    if (channel < channels)
        for (int chunk = slice; chunk < chunks; chunk += kFinishThreads) {
            const i64 rest = rows - chunk * chunk_rows;
            moments.include({static_cast<float>(rest < chunk_rows ? rest : chunk_rows),
                             load(means + static_cast<i64>(chunk) * channels + channel),
                             load(squares + static_cast<i64>(chunk) * channels + channel)});
        }
    shared[threadIdx.x] = moments;
    barrier();
    for (int half = kFinishThreads / 2; half > 0; half /= 2) {
        if (slice < half) {
            moments.include(shared[threadIdx.x + half * kFinishChannels]);
            shared[threadIdx.x] = moments;
        }
        barrier();
    }
    if (slice != 0 || channel >= channels)
        return;
    const float variance = moments.squares / moments.count;
    store(saved_mean + channel, moments.mean);
    store(saved_inverse_deviation + channel, 1 / square_root(variance + epsilon));
    const float unbiased = rows > 1 ? moments.squares / (moments.count - 1) : variance;
    store(running_mean + channel, (1 - momentum) * load(running_mean + channel) + momentum * moments.mean);
    store(running_variance + channel, (1 - momentum) * load(running_variance + channel) + momentum * unbiased);
}

DEVICE void move_running(float* running_mean, float* running_variance, int channel, float mean, float variance, i64 rows,
                         float momentum) {
    const float count = static_cast<float>(rows);
    const float unbiased = rows > 1 ? variance * (count / (count - 1)) : variance;
    store(running_mean + channel, (1 - momentum) * load(running_mean + channel) + momentum * mean);
    store(running_variance + channel, (1 - momentum) * load(running_variance + channel) + momentum * unbiased);
}

// Statistics from sums and sums of squares, as an engine gives them: what they cancel is lost. One thread a channel.
KERNEL(batch_norm_finish_sums, const float* sums, const float* squares, float* saved_mean, float* saved_inverse_deviation,
       float* running_mean, float* running_variance, i64 rows, int channels, float epsilon, float momentum) {
    const int channel = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (channel >= channels)
        return;
    const double share = 1 / static_cast<double>(rows);
    const double mean = load(sums + channel) * share;
    const double difference = load(squares + channel) * share - mean * mean;
    const float variance = static_cast<float>(difference > 0 ? difference : 0 * difference);
    store(saved_mean + channel, static_cast<float>(mean));
    store(saved_inverse_deviation + channel, 1 / square_root(variance + epsilon));
    move_running(running_mean, running_variance, channel, static_cast<float>(mean), variance, rows, momentum);
}

// A norm as x * scale + bias in fp16, for engines that normalise while they read. The bias makes up for the rounding of
// the scale at the mean, so that both roundings count relative to the distance from it. One thread a channel.
KERNEL(batch_norm_fold_f16, const float* gamma, const float* beta, const float* saved_mean, const float* saved_inverse_deviation,
       f16* scale, f16* bias, int channels) {
    const int channel = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (channel >= channels)
        return;
    const f16 factor = narrow<f16>(load(gamma + channel) * load(saved_inverse_deviation + channel));
    store(scale + channel, factor);
    store(bias + channel, narrow<f16>(fused(-widen(factor), load(saved_mean + channel), load(beta + channel))));
}

// Running statistics from the saved ones of an engine that leaves them alone. One thread a channel.
KERNEL(batch_norm_move_running, const float* saved_mean, const float* saved_inverse_deviation, float* running_mean,
       float* running_variance, i64 rows, int channels, float epsilon, float momentum) {
    const int channel = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (channel >= channels)
        return;
    const float inverse = load(saved_inverse_deviation + channel);
    const float variance = 1 / (inverse * inverse) - epsilon;
    move_running(running_mean, running_variance, channel, load(saved_mean + channel), variance > 0 ? variance : 0 * variance,
                 rows, momentum);
}

/// How the ReLU behind a norm is undone: not at all, by its result, or by the norm's result computed again, in the same
/// operations as forward, from an input that is read in any case.
enum class Mask { none, result, recomputed };

/// What a masked gradient is made of. Null: y where the mask is not the result, other where nothing is added.
template <class T>
struct GradientSources {
    const T* dy;
    const T* other;
    const T* y;
    const T* x;
    const float* gamma;
    const float* beta;
    const float* mean;
    const float* inverse_deviation;
};

/// Per-channel vectors of the recomputed mask.
template <int N>
struct MaskLanes {
    float scale[N], shift[N];

    template <class T>
    MEMBER void load_from(const GradientSources<T>& sources, int channel) {
        float deviation[N];
        load_lanes(sources.gamma + channel, scale);
        load_lanes(sources.beta + channel, shift);
        load_lanes(sources.inverse_deviation + channel, deviation);
#pragma unroll
        for (int l = 0; l < N; l++)
            scale[l] *= deviation[l];
    }
};

/// The gradient that reaches the norm: dy (+ other), where the ReLU behind it let it through.
template <Mask M, int N, class T>
DEVICE void load_gradient(const GradientSources<T>& sources, i64 index, const float (&centred)[N], const MaskLanes<N>& mask,
                          float (&gradient)[N]) {
    load_lanes(sources.dy + index, gradient);
    if (sources.other != nullptr) {
        float other[N];
        load_lanes(sources.other + index, other);
#pragma unroll
        for (int l = 0; l < N; l++)
            gradient[l] += other[l];
    }
    float forward[N];
    if constexpr (M == Mask::result)
        load_lanes(sources.y + index, forward);
    if constexpr (M == Mask::recomputed) {
#pragma unroll
        for (int l = 0; l < N; l++)
            forward[l] = fused(centred[l], mask.scale[l], mask.shift[l]);
    }
    if constexpr (M != Mask::none) {
#pragma unroll
        for (int l = 0; l < N; l++)
            gradient[l] = forward[l] > 0 ? gradient[l] : 0;
    }
}

/// Partial sums of the gradient, and of the gradient times the centred input. Where `masked` is not null, the masked
/// gradient is written there for who reads it next.
template <Mask M, int N, class T>
DEVICE void partial_gradients(const GradientSources<T>& sources, T* masked, float* sums, float* products, i64 rows,
                              int channels, i64 chunk_rows, int tiles) {
    const i64 chunk = blockIdx.x / tiles;
    const int lane = threadIdx.x % kTileThreads;
    const int slice = threadIdx.x / kTileThreads;
    const int channel = (static_cast<int>(blockIdx.x % tiles) * kTileThreads + lane) * N;
    const bool is_inside = channel < channels;
    const i64 begin = chunk * chunk_rows;
    const i64 end = begin + chunk_rows < rows ? begin + chunk_rows : rows;
    float sum[N], product[N];
#pragma unroll
    for (int l = 0; l < N; l++)
        sum[l] = product[l] = 0;
    if (is_inside) {
        float centre[N];
        load_lanes(sources.mean + channel, centre);
        MaskLanes<N> mask;
        if constexpr (M == Mask::recomputed)
            mask.load_from(sources, channel);
        for (i64 row = begin + slice; row < end; row += kTileRows) {
            const i64 index = row * channels + channel;
            float gradient[N], values[N];
            load_lanes(sources.x + index, values);
#pragma unroll
            for (int l = 0; l < N; l++)
                values[l] -= centre[l];
            load_gradient<M>(sources, index, values, mask, gradient);
            if (masked != nullptr)
                store_lanes(masked + index, gradient);
#pragma unroll
            for (int l = 0; l < N; l++) {
                sum[l] += gradient[l];
                product[l] = fused(gradient[l], values[l], product[l]);
            }
        }
    }
    SHARED_ARRAY(float, shared_sums, kMaxBlockThreads);
    SHARED_ARRAY(float, shared_products, kMaxBlockThreads);
#pragma unroll
    for (int l = 0; l < N; l++) {
        barrier();
        shared_sums[threadIdx.x] = sum[l];
        shared_products[threadIdx.x] = product[l];
        barrier();
        if (slice == 0 && is_inside) {
            for (int other = 1; other < kTileRows; other++) {
                sum[l] += shared_sums[other * kTileThreads + lane];
                product[l] += shared_products[other * kTileThreads + lane];
            }
            store(sums + chunk * channels + channel + l, sum[l]);
            store(products + chunk * channels + channel + l, product[l]);
        }
    }
}

/// dx = gamma * inverse_deviation * (dy - dbeta / n - (x - mean) * inverse_deviation * dgamma / n) (+ joined).
template <Mask M, int N, class T>
DEVICE void apply_gradients(const GradientSources<T>& sources, const T* joined, T* dx, const float* dgamma,
                            const float* dbeta, i64 rows, int channels) {
    float centre[N] = {}, scale[N] = {}, slope[N] = {}, offset[N] = {};
    MaskLanes<N> mask = {};
    const float share = 1 / static_cast<float>(rows);
    over_rows<N>(rows, channels, [&](i64 i, int channel, bool changed) {
        float gradient[N], values[N];
        if (changed) {
            float deviation[N];
            load_lanes(sources.mean + channel, centre);
            load_lanes(sources.gamma + channel, scale);
            load_lanes(sources.inverse_deviation + channel, deviation);
            load_lanes(dgamma + channel, slope);
            load_lanes(dbeta + channel, offset);
            for (int l = 0; l < N; l++) {
                scale[l] *= deviation[l];
                slope[l] *= deviation[l] * share;
                offset[l] *= share;
            }
            if constexpr (M == Mask::recomputed)
                mask.load_from(sources, channel);
        }
        load_lanes(sources.x + i, values);
#pragma unroll
        for (int l = 0; l < N; l++)
            values[l] -= centre[l];
        load_gradient<M>(sources, i, values, mask, gradient);
#pragma unroll
        for (int l = 0; l < N; l++)
            gradient[l] = scale[l] * (gradient[l] - offset[l] - values[l] * slope[l]);
        if (joined != nullptr) {
            load_lanes(joined + i, values);
#pragma unroll
            for (int l = 0; l < N; l++)
                gradient[l] += values[l];
        }
        store_lanes(dx + i, gradient);
    });
}

// batch_norm_gradients: as batch_norm_moments. batch_norm_input_gradient: any grid.
#define GRADIENTS(T, suffix, name, mask)                                                           \
    KERNEL(batch_norm_gradients##name##_##suffix, GradientSources<T> sources, T* masked, float* sums, float* products, \
           i64 rows, int channels, i64 chunk_rows, int tiles) {                                    \
        if (channels % kLanesOf<T> == 0)                                                           \
            partial_gradients<mask, kLanesOf<T>>(sources, masked, sums, products, rows, channels, chunk_rows, tiles); \
        else                                                                                       \
            partial_gradients<mask, 1>(sources, masked, sums, products, rows, channels, chunk_rows, tiles); \
    }                                                                                              \
    KERNEL(batch_norm_input_gradient##name##_##suffix, GradientSources<T> sources, const T* joined, T* dx, \
           const float* dgamma, const float* dbeta, i64 rows, int channels) {                      \
        if (channels % kLanesOf<T> == 0)                                                           \
            apply_gradients<mask, kLanesOf<T>>(sources, joined, dx, dgamma, dbeta, rows, channels); \
        else                                                                                       \
            apply_gradients<mask, 1>(sources, joined, dx, dgamma, dbeta, rows, channels);          \
    }
#define ALL_GRADIENTS(T, suffix)                       \
    GRADIENTS(T, suffix, , Mask::none)                 \
    GRADIENTS(T, suffix, _masked, Mask::result)        \
    GRADIENTS(T, suffix, _recomputed, Mask::recomputed)

FOR_ACTIVATION_TYPES(ALL_GRADIENTS)

// Threads 256, blocks ceil(channels / 8). dbeta is the sum of the first array over chunks, dgamma that of the second
// times the inverse deviation.
KERNEL(batch_norm_finish_gradients, const float* sums, const float* products, const float* inverse_deviation,
       float* dgamma, float* dbeta, int channels, int chunks) {
    SHARED_ARRAY(float, shared_sums, kMaxBlockThreads);
    SHARED_ARRAY(float, shared_products, kMaxBlockThreads);
    const int lane = threadIdx.x % kFinishChannels;
    const int slice = threadIdx.x / kFinishChannels;
    const int channel = static_cast<int>(blockIdx.x) * kFinishChannels + lane;
    float sum = 0, product = 0;
    if (channel < channels)
        for (int chunk = slice; chunk < chunks; chunk += kFinishThreads) {
            sum += load(sums + static_cast<i64>(chunk) * channels + channel);
            product += load(products + static_cast<i64>(chunk) * channels + channel);
        }
    shared_sums[threadIdx.x] = sum;
    shared_products[threadIdx.x] = product;
    barrier();
    for (int half = kFinishThreads / 2; half > 0; half /= 2) {
        if (slice < half) {
            shared_sums[threadIdx.x] += shared_sums[threadIdx.x + half * kFinishChannels];
            shared_products[threadIdx.x] += shared_products[threadIdx.x + half * kFinishChannels];
        }
        barrier();
    }
    if (slice != 0 || channel >= channels)
        return;
    store(dbeta + channel, shared_sums[threadIdx.x]);
    store(dgamma + channel, shared_products[threadIdx.x] * load(inverse_deviation + channel));
}

/// The sum of each channel over all rows.
template <class T>
DEVICE void channel_sums(const T* x, float* sums, i64 rows, int channels) {
    SHARED_ARRAY(float, shared, kMaxBlockThreads);
    const int lane = threadIdx.x % kFinishChannels;
    const int slice = threadIdx.x / kFinishChannels;
    const int channel = static_cast<int>(blockIdx.x) * kFinishChannels + lane;
    float sum = 0;
    if (channel < channels)
        for (i64 row = slice; row < rows; row += kFinishThreads)
            sum += widen(load(x + row * channels + channel));
    shared[threadIdx.x] = sum;
    barrier();
    for (int half = kFinishThreads / 2; half > 0; half /= 2) {
        if (slice < half)
            shared[threadIdx.x] += shared[threadIdx.x + half * kFinishChannels];
        barrier();
    }
    if (slice == 0 && channel < channels)
        store(sums + channel, shared[threadIdx.x]);
}

// Threads 256, blocks ceil(channels / 8).
#define CHANNEL_SUMS(T, suffix) \
    KERNEL(channel_sums_##suffix, const T* x, float* sums, i64 rows, int channels) { channel_sums(x, sums, rows, channels); }

FOR_ACTIVATION_TYPES(CHANNEL_SUMS)
