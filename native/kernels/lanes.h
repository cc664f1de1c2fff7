// Consecutive elements as floats in registers: 16 bytes at a time where a vector fits, one element where it does not.
#pragma once

#include "device_primitives.h"

using i64 = long long;

/// Elements in 16 bytes.
template <class T>
constexpr int kLanesOf = 16 / static_cast<int>(sizeof(T));

template <int N>
struct Lanes {
    static constexpr int count = N;
};

template <class T>
DEVICE void unpack(uint4 bits, float* values) {
    const unsigned words[4] = {bits.x, bits.y, bits.z, bits.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        if constexpr (sizeof(T) == 4) {
            values[i] = float_of_bits(words[i]);
        } else {
            values[2 * i] = widen(T{static_cast<unsigned short>(words[i])});
            values[2 * i + 1] = widen(T{static_cast<unsigned short>(words[i] >> 16)});
        }
    }
}

template <class T>
DEVICE uint4 pack(const float* values) {
    unsigned words[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        if constexpr (sizeof(T) == 4)
            words[i] = bits_of_float(values[i]);
        else
            words[i] = narrow_pair<T>(values[2 * i], values[2 * i + 1]);
    }
    return {words[0], words[1], words[2], words[3]};
}

/// N is 1, or N elements are whole 16-byte vectors at a 16-byte address.
template <class T, int N>
DEVICE void load_lanes(const T* address, float (&values)[N]) {
    if constexpr (N == 1) {
        values[0] = widen(load(address));
    } else {
        static_assert(N % kLanesOf<T> == 0, "whole vectors");
#pragma unroll
        for (int i = 0; i < N; i += kLanesOf<T>)
            unpack<T>(load_16_bytes(address + i), values + i);
    }
}

template <class T, int N>
DEVICE void store_lanes(T* address, const float (&values)[N]) {
    if constexpr (N == 1) {
        store(address, narrow<T>(values[0]));
    } else {
        static_assert(N % kLanesOf<T> == 0, "whole vectors");
#pragma unroll
        for (int i = 0; i < N; i += kLanesOf<T>)
            store_16_bytes(address + i, pack<T>(values + i));
    }
}

/// A value as it will be read back from memory of type T.
template <class T>
DEVICE float rounded(float value) {
    return widen(narrow<T>(value));
}

/// Calls body(index, Lanes<n>) over a flat array: vectors of N elements, then the tail one by one. A grid-stride loop
/// over grids of one dimension.
template <int N, class Body>
DEVICE void over_elements(i64 elements, const Body& body) {
    const i64 stride = static_cast<i64>(gridDim.x) * blockDim.x;
    const i64 thread = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
    const i64 vectors = elements / N;
    for (i64 v = thread; v < vectors; v += stride)
        body(v * N, Lanes<N>());
    for (i64 i = vectors * N + thread; i < elements; i += stride)
        body(i, Lanes<1>());
}

/// A block's share of a table of tensors: one row, from chunk * chunk_elements on. Tables never change.
struct TableShare {
    int row;
    int chunk;
};

/// Calls body(index, Lanes<n>) over one block's share of a tensor: from `begin`, at most `most` elements, a multiple of N.
template <int N, class Body>
DEVICE void over_chunk(i64 begin, i64 elements, int most, const Body& body) {
    const int count = static_cast<int>(elements - begin < most ? elements - begin : most);
    for (int i = static_cast<int>(threadIdx.x) * N; i + N <= count; i += static_cast<int>(blockDim.x) * N)
        body(begin + i, Lanes<N>());
    for (int i = count / N * N + static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x))
        body(begin + i, Lanes<1>());
}

/// Calls body(index, channel, changed) over rows of channels, N channels at a time; `changed` says that the channel is
/// not that of the call before, so that per-channel operands can stay in registers. Channels are a multiple of N.
template <int N, class Body>
DEVICE void over_rows(i64 rows, int channels, const Body& body) {
    const int groups = channels / N;
    const i64 stride = static_cast<i64>(gridDim.x) * blockDim.x;
    const i64 thread = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
    const int step = static_cast<int>(stride % groups);
    int group = static_cast<int>(thread % groups);
    bool changed = true;
    for (i64 v = thread; v < rows * groups; v += stride) {
        body(v * N, group * N, changed);
        group += step;
        if (group >= groups)
            group -= groups;
        changed = step != 0;
    }
}

#define FOR_ACTIVATION_TYPES(INSTANCE) INSTANCE(float, f32) INSTANCE(bf16, bf16) INSTANCE(f16, f16)
