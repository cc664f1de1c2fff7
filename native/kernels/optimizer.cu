// Parameter updates and what guards them. Everything that changes from step to step is read from device memory, and an
// overflow is a flag there (0 or 1 as float32): the host decides nothing inside a step.
#include "reductions.h"

/// The sum over the block's threads by halving, in one order; the result is thread 0's.
DEVICE double block_total(double value) {
    SHARED_ARRAY(double, sums, kMaxBlockThreads);
    sums[threadIdx.x] = value;
    barrier();
    for (int half = kMaxBlockThreads / 2; half > 0; half /= 2) {
        if (static_cast<int>(threadIdx.x) < half)
            sums[threadIdx.x] += sums[threadIdx.x + half];
        barrier();
    }
    return sums[0];
}

DEVICE bool is_raised(const float* flag) { return flag != nullptr && load(flag) != 0; }

DEVICE float factor(const float* scalar) { return scalar == nullptr ? 1.0f : load(scalar); }

DEVICE bool is_first_thread() { return blockIdx.x == 0 && threadIdx.x == 0; }

/// One tensor's update: g = (gradient_scale * dw + weight_decay * w) * trust; velocity = momentum * velocity + g;
/// w -= rate * (velocity, or with Nesterov g + momentum * velocity). gradient_scale, trust and overflow may be null; a
/// raised overflow leaves everything as it is.
struct SgdRow {
    float* w;
    const float* dw;
    float* velocity;
    const float* rate;
    const float* gradient_scale;
    const float* trust;
    const float* overflow;
    i64 elements;
    float momentum;
    float weight_decay;
    int nesterov;
    int reserved;
};

struct SgdFactors {
    float rate, gradient_scale, trust, momentum, weight_decay;
    bool nesterov;

    MEMBER static SgdFactors of(const SgdRow& row) {
        return {load(row.rate), factor(row.gradient_scale), factor(row.trust), row.momentum, row.weight_decay,
                row.nesterov != 0};
    }
};

template <int N>
DEVICE void sgd_lanes(const SgdRow& row, i64 i, const SgdFactors& factors) {
    float weight[N], gradient[N], moved[N];
    load_lanes(row.w + i, weight);
    load_lanes(row.dw + i, gradient);
    load_lanes(row.velocity + i, moved);
#pragma unroll
    for (int l = 0; l < N; l++) {
        const float g = factors.trust * fused(factors.gradient_scale, gradient[l], factors.weight_decay * weight[l]);
        moved[l] = fused(factors.momentum, moved[l], g);
        weight[l] = fused(-factors.rate, factors.nesterov ? fused(factors.momentum, moved[l], g) : moved[l], weight[l]);
    }
    store_lanes(row.velocity + i, moved);
    store_lanes(row.w + i, weight);
}

// One tensor; any grid.
KERNEL(sgd_update, SgdRow row) {
    if (is_raised(row.overflow))
        return;
    const SgdFactors factors = SgdFactors::of(row);
    over_elements<kLanesOf<float>>(row.elements, [&](i64 i, auto lanes) { sgd_lanes<decltype(lanes)::count>(row, i, factors); });
}

// All tensors in one launch: one block a share. chunk_elements is a multiple of 4.
KERNEL(sgd_update_all, const SgdRow* rows, const TableShare* shares, int chunk_elements) {
    const TableShare share = load(shares + blockIdx.x);
    const SgdRow row = load(rows + share.row);
    if (is_raised(row.overflow))
        return;
    const SgdFactors factors = SgdFactors::of(row);
    over_chunk<kLanesOf<float>>(static_cast<i64>(share.chunk) * chunk_elements, row.elements, chunk_elements,
                                [&](i64 i, auto lanes) { sgd_lanes<decltype(lanes)::count>(row, i, factors); });
}

/// y = keep * y + take * x; an operand whose factor is 0 is not read. overflow may be null.
struct BlendRow {
    float* y;
    const float* x;
    const float* overflow;
    i64 elements;
    float keep;
    float take;
};

template <int N>
DEVICE void blend_lanes(const BlendRow& row, i64 i) {
    float old[N] = {}, added[N] = {};
    if (row.keep != 0)
        load_lanes(row.y + i, old);
    if (row.take != 0)
        load_lanes(row.x + i, added);
#pragma unroll
    for (int l = 0; l < N; l++)
        old[l] = fused(row.keep, old[l], row.take * added[l]);
    store_lanes(row.y + i, old);
}

// One tensor; any grid.
KERNEL(blend, BlendRow row) {
    if (is_raised(row.overflow))
        return;
    over_elements<kLanesOf<float>>(row.elements, [&](i64 i, auto lanes) { blend_lanes<decltype(lanes)::count>(row, i); });
}

// As sgd_update_all.
KERNEL(blend_all, const BlendRow* rows, const TableShare* shares, int chunk_elements) {
    const TableShare share = load(shares + blockIdx.x);
    const BlendRow row = load(rows + share.row);
    if (is_raised(row.overflow))
        return;
    over_chunk<kLanesOf<float>>(static_cast<i64>(share.chunk) * chunk_elements, row.elements, chunk_elements,
                                [&](i64 i, auto lanes) { blend_lanes<decltype(lanes)::count>(row, i); });
}

// The sum of squares of each block's share, in double; blocks of 256 threads, any grid: its size fixes the order.
KERNEL(squared_sum_partial, const float* x, double* partial, i64 elements) {
    double sum = 0;
    over_elements<kLanesOf<float>>(elements, [&](i64 i, auto lanes) {
        float values[decltype(lanes)::count];
        load_lanes(x + i, values);
        for (float value : values)
            sum += static_cast<double>(value) * value;
    });
    sum = block_total(sum);
    if (threadIdx.x == 0)
        store(partial + blockIdx.x, sum);
}

// total = sum of the partial sums (+ before, where it is not null); one block of 256 threads.
KERNEL(squared_sum_finish, const double* partial, const float* before, float* total, int partials) {
    double sum = 0;
    for (int i = static_cast<int>(threadIdx.x); i < partials; i += kMaxBlockThreads)
        sum += load(partial + i);
    sum = block_total(sum);
    if (threadIdx.x == 0)
        store(total, static_cast<float>(sum + (before == nullptr ? 0 : static_cast<double>(load(before)))));
}

/// One tensor of squared_sum_all. `partial` has a place for each of its shares; `arrived` is 0 between launches.
struct SquaresRow {
    const float* x;
    float* total;
    double* partial;
    unsigned* arrived;
    i64 elements;
    int shares;
    int reserved;
};

// The sum of squares of each tensor in one launch, one block a share: the block that comes last adds up what all shares
// of its tensor left, in their order (NVIDIA's threadFenceReduction sample).
KERNEL(squared_sum_all, const SquaresRow* rows, const TableShare* shares, int chunk_elements) {
    SHARED_ARRAY(unsigned, before, 1);
    const TableShare share = load(shares + blockIdx.x);
    const SquaresRow row = load(rows + share.row);
    double sum = 0;
    over_chunk<kLanesOf<float>>(static_cast<i64>(share.chunk) * chunk_elements, row.elements, chunk_elements,
                                [&](i64 i, auto lanes) {
        float values[decltype(lanes)::count];
        load_lanes(row.x + i, values);
        for (float value : values)
            sum += static_cast<double>(value) * value;
    });
    sum = block_total(sum);
    if (threadIdx.x == 0) {
        store(row.partial + share.chunk, sum);
        memory_fence();
        before[0] = atomic_add(row.arrived, 1);
    }
    barrier();
    if (before[0] + 1 != static_cast<unsigned>(row.shares))
        return;
    memory_fence();
    sum = 0;
    for (int i = static_cast<int>(threadIdx.x); i < row.shares; i += kMaxBlockThreads)
        sum += load_fresh(row.partial + i);
    sum = block_total(sum);
    if (threadIdx.x == 0) {
        store(row.total, static_cast<float>(sum));
        store(row.arrived, 0u);
    }
}

// inverse * min(1, max_norm / (inverse * norm + 1e-6)); NaN stays NaN. inverse may be null. One thread.
KERNEL(clip_scale, const float* squared_norm, const float* inverse, float* scale, float max_norm) {
    if (!is_first_thread())
        return;
    const float unscale = factor(inverse);
    const float ratio = max_norm / (unscale * square_root(load(squared_norm)) + 1e-6f);
    store(scale, unscale * (ratio > 1 ? 1.0f : ratio));
}

/// One tensor's rate: coefficient * |w| / (gradient_scale * |dw| + weight_decay * |w|), 1 where either norm is 0.
/// gradient_scale may be null.
struct TrustRow {
    const float* squared_weights;
    const float* squared_gradients;
    const float* gradient_scale;
    float* ratio;
    float coefficient;
    float weight_decay;
};

DEVICE void write_trust_ratio(const TrustRow& row) {
    const float weight = square_root(load(row.squared_weights));
    const float gradient = square_root(load(row.squared_gradients)) * factor(row.gradient_scale);
    store(row.ratio, weight == 0 || gradient == 0 ? 1.0f : row.coefficient * weight / fused(row.weight_decay, weight, gradient));
}

// One tensor. One thread.
KERNEL(trust_ratio, TrustRow row) {
    if (is_first_thread())
        write_trust_ratio(row);
}

// All tensors in one launch, one thread a tensor.
KERNEL(trust_ratio_all, const TrustRow* rows, int count) {
    const int row = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (row < count)
        write_trust_ratio(load(rows + row));
}
