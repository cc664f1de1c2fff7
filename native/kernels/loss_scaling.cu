// Dynamic loss scaling: the scale and what goes with it are float32 numbers in device memory.
#include "lanes.h"

// y = factor * x; y may be x. Any grid.
KERNEL(scale, const float* x, const float* factor, float* y, i64 elements) {
    const float by = load(factor);
    over_elements<kLanesOf<float>>(elements, [&](i64 i, auto lanes) {
        constexpr int n = decltype(lanes)::count;
        float values[n];
        load_lanes(x + i, values);
#pragma unroll
        for (int l = 0; l < n; l++)
            values[l] *= by;
        store_lanes(y + i, values);
    });
}

constexpr unsigned kOneAsBits = 0x3f800000;

template <int N>
DEVICE bool are_finite(const float* x) {
    float values[N];
    load_lanes(x, values);
    bool finite = true;
#pragma unroll
    for (int l = 0; l < N; l++)
        finite = finite && is_finite(values[l]);
    return finite;
}

/// A tensor and the flag that it raises.
struct OverflowRow {
    const float* x;
    float* overflow;
    i64 elements;
};

DEVICE void raise(float* flag) { atomic_or(reinterpret_cast<unsigned*>(flag), kOneAsBits); }

// Sets the flag to 1 where an element is infinite or NaN; any grid.
KERNEL(find_overflow, OverflowRow row) {
    bool finite = true;
    over_elements<kLanesOf<float>>(row.elements, [&](i64 i, auto lanes) {
        finite = are_finite<decltype(lanes)::count>(row.x + i) && finite;
    });
    if (!finite)
        raise(row.overflow);
}

// All tensors in one launch: one block a share. chunk_elements is a multiple of 4.
KERNEL(find_overflow_all, const OverflowRow* rows, const TableShare* shares, int chunk_elements) {
    const TableShare share = load(shares + blockIdx.x);
    const OverflowRow row = load(rows + share.row);
    bool finite = true;
    over_chunk<kLanesOf<float>>(static_cast<i64>(share.chunk) * chunk_elements, row.elements, chunk_elements,
                                [&](i64 i, auto lanes) { finite = are_finite<decltype(lanes)::count>(row.x + i) && finite; });
    if (!finite)
        raise(row.overflow);
}

// After the update: a raised flag counts as skipped, lowers the scale and is cleared; the interval-th good step in a row
// raises it. A scale that would not be finite stays. One thread.
KERNEL(adjust_loss_scale, float* overflow, float* scale, float* inverse, float* good_steps, float* skipped_steps,
       float growth, float backoff, float interval) {
    if (blockIdx.x != 0 || threadIdx.x != 0)
        return;
    float next = load(scale);
    float good = load(good_steps) + 1;
    if (load(overflow) != 0) {
        next *= backoff;
        good = 0;
        store(skipped_steps, load(skipped_steps) + 1);
    } else if (good >= interval) {
        good = 0;
        if (is_finite(next * growth))
            next *= growth;
    }
    store(scale, next);
    store(inverse, 1 / next);
    store(good_steps, good);
    store(overflow, 0.0f);
}
