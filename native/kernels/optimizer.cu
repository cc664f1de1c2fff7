// Parameter updates beside loss scaling, and those of all tensors at once. What changes from step to step is read from
// device memory, and an overflow is a flag there: the host decides nothing inside a step.
#include "lanes.h"

DEVICE bool is_raised(const unsigned* flag) { return flag != nullptr && load(flag) != 0; }

DEVICE float factor(const float* scalar) { return scalar == nullptr ? 1.0f : load(scalar); }

/// g = (gradient_scale * dw + weight_decay * w) * trust; velocity = momentum * velocity + g; w -= rate * (velocity, or
/// with Nesterov g + momentum * velocity).
struct SgdFactors {
    float rate, gradient_scale, trust, momentum, weight_decay;
    bool nesterov;
};

template <int N>
DEVICE void sgd_lanes(float* w, const float* dw, float* velocity, const SgdFactors& factors) {
    float weight[N], gradient[N], moved[N];
    load_lanes(w, weight);
    load_lanes(dw, gradient);
    load_lanes(velocity, moved);
#pragma unroll
    for (int l = 0; l < N; l++) {
        const float g = factors.trust * fused(factors.gradient_scale, gradient[l], factors.weight_decay * weight[l]);
        moved[l] = fused(factors.momentum, moved[l], g);
        weight[l] = fused(-factors.rate, factors.nesterov ? fused(factors.momentum, moved[l], g) : moved[l], weight[l]);
    }
    store_lanes(velocity, moved);
    store_lanes(w, weight);
}

// One tensor. gradient_scale, trust and overflow may be null; a raised overflow leaves everything as it is.
KERNEL(sgd_update, float* w, const float* dw, float* velocity, const float* rate, const float* gradient_scale,
       const float* trust, const unsigned* overflow, i64 elements, float momentum, float weight_decay, int nesterov) {
    if (is_raised(overflow))
        return;
    const SgdFactors factors = {load(rate), factor(gradient_scale), factor(trust), momentum, weight_decay, nesterov != 0};
    over_elements<kLanesOf<float>>(elements, [&](i64 i, auto lanes) {
        sgd_lanes<decltype(lanes)::count>(w + i, dw + i, velocity + i, factors);
    });
}

/// One tensor of many: the row of a table in device memory, which never changes.
struct UpdateRow {
    float* w;
    const float* dw;
    float* velocity;
    const float* trust;
    i64 elements;
    float weight_decay;
    int reserved;
};

/// A block's share of the table: one tensor, from one element on.
struct UpdateChunk {
    int row;
    int chunk;
};

// All tensors in one launch: one block a chunk of chunk_elements (a multiple of 4).
KERNEL(sgd_update_all, const UpdateRow* rows, const UpdateChunk* chunks, const float* rate, const float* gradient_scale,
       const unsigned* overflow, int chunk_elements, float momentum, int nesterov) {
    if (is_raised(overflow))
        return;
    const UpdateChunk chunk = load(chunks + blockIdx.x);
    const UpdateRow row = load(rows + chunk.row);
    const SgdFactors factors = {load(rate),       factor(gradient_scale), factor(row.trust), momentum,
                                row.weight_decay, nesterov != 0};
    const i64 begin = static_cast<i64>(chunk.chunk) * chunk_elements;
    const i64 rest = row.elements - begin;
    const int elements = static_cast<int>(rest < chunk_elements ? rest : chunk_elements);
    constexpr int n = kLanesOf<float>;
    for (int i = static_cast<int>(threadIdx.x) * n; i + n <= elements; i += static_cast<int>(blockDim.x) * n)
        sgd_lanes<n>(row.w + begin + i, row.dw + begin + i, row.velocity + begin + i, factors);
    for (int i = elements / n * n + static_cast<int>(threadIdx.x); i < elements; i += static_cast<int>(blockDim.x))
        sgd_lanes<1>(row.w + begin + i, row.dw + begin + i, row.velocity + begin + i, factors);
}

// y = keep * y + take * x, the moving average of weights; an operand whose factor is 0 is not read. overflow may be null.
KERNEL(blend_guarded, float* y, const float* x, const unsigned* overflow, i64 elements, float keep, float take) {
    if (is_raised(overflow))
        return;
    over_elements<kLanesOf<float>>(elements, [&](i64 i, auto lanes) {
        constexpr int n = decltype(lanes)::count;
        float old[n] = {}, added[n] = {};
        if (keep != 0)
            load_lanes(y + i, old);
        if (take != 0)
            load_lanes(x + i, added);
#pragma unroll
        for (int l = 0; l < n; l++)
            old[l] = fused(keep, old[l], take * added[l]);
        store_lanes(y + i, old);
    });
}

// Raises the flag where a gradient is infinite or NaN; any grid.
KERNEL(find_overflow, const float* gradient, unsigned* overflow, i64 elements) {
    bool finite = true;
    over_elements<kLanesOf<float>>(elements, [&](i64 i, auto lanes) {
        float values[decltype(lanes)::count];
        load_lanes(gradient + i, values);
        for (float value : values)
            finite = finite && is_finite(value);
    });
    if (!finite)
        atomic_or(overflow, 1);
}

/// What dynamic loss scaling remembers, as torch.cuda.amp.GradScaler does.
struct LossScale {
    float scale;
    float inverse;
    unsigned good_steps;
    unsigned skipped_steps;
};

// After the update: halves the scale when the flag is raised, and lowers the flag; doubles it after `interval` good
// steps. A scale that would not be finite stays. One thread.
KERNEL(adjust_loss_scale, LossScale* state, unsigned* overflow, float growth, float backoff, unsigned interval) {
    if (blockIdx.x != 0 || threadIdx.x != 0)
        return;
    LossScale next = load(state);
    if (load(overflow) != 0) {
        next.scale *= backoff;
        next.good_steps = 0;
        next.skipped_steps++;
    } else if (++next.good_steps >= interval) {
        next.good_steps = 0;
        if (is_finite(next.scale * growth))
            next.scale *= growth;
    }
    next.inverse = 1 / next.scale;
    store(state, next);
    store(overflow, 0u);
}
