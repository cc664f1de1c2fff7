// Sums over a block in one fixed order, so that equal inputs give equal bits.
#pragma once

#include "lanes.h"

/// The sum over the block's threads, known to each of them. The block has whole warps.
DEVICE float block_sum(float value) {
    SHARED_ARRAY(float, of_warps, kMaxBlockThreads / kWarpLanes);
#pragma unroll
    for (int bits = kWarpLanes / 2; bits > 0; bits /= 2)
        value += shuffle_xor(value, bits);
    // Who is late in reading an earlier sum must not find this one.
    barrier();
    if (threadIdx.x % kWarpLanes == 0)
        of_warps[threadIdx.x / kWarpLanes] = value;
    barrier();
    float sum = 0;
    for (unsigned warp = 0; warp < blockDim.x / kWarpLanes; warp++)
        sum += of_warps[warp];
    return sum;
}

/// The largest value of the block's threads, known to each of them.
DEVICE float block_maximum(float value) {
    SHARED_ARRAY(float, of_warps, kMaxBlockThreads / kWarpLanes);
#pragma unroll
    for (int bits = kWarpLanes / 2; bits > 0; bits /= 2) {
        const float other = shuffle_xor(value, bits);
        value = other > value ? other : value;
    }
    barrier();
    if (threadIdx.x % kWarpLanes == 0)
        of_warps[threadIdx.x / kWarpLanes] = value;
    barrier();
    float largest = of_warps[0];
    for (unsigned warp = 1; warp < blockDim.x / kWarpLanes; warp++)
        largest = of_warps[warp] > largest ? of_warps[warp] : largest;
    return largest;
}
