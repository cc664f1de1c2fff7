// The device primitives on a CPU: each thread of a block is a fiber, so barriers and shuffles really wait; every access
// through a device pointer is checked; shared memory starts as NaN for each block, with checked indices.
#pragma once

#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "block.h"
#include "registry.h"

#define DEVICE [[maybe_unused]] static inline
#define MEMBER inline

#define threadIdx (::host_gpu::current_thread().index)
#define blockIdx (::host_gpu::current_block().index)
#define blockDim (::host_gpu::current_block().block_extent)
#define gridDim (::host_gpu::current_block().grid_extent)

// Two programs may have kernels of one name, as two modules may.
#define KERNEL(name, ...)                                                                          \
    static void name(__VA_ARGS__);                                                                 \
    static const ::host_gpu::Registration registration_of_##name(                                  \
        ::host_gpu::Launcher<&name>::entry(HOST_GPU_PROGRAM, #name));                              \
    static void name(__VA_ARGS__)

// The lambda's type is unlike any other: it tells two arrays of one block apart.
#define SHARED_ARRAY(T, name, count) \
    const ::host_gpu::SharedArray<T> name = ::host_gpu::shared_array<T>([] {}, count)

struct alignas(16) uint4 {
    unsigned x, y, z, w;
};

struct f16 {
    unsigned short bits;
};
struct bf16 {
    unsigned short bits;
};

DEVICE float float_of_bits(unsigned bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

DEVICE unsigned bits_of_float(float value) {
    unsigned bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

DEVICE float widen(float value) { return value; }
DEVICE float widen(bf16 value) { return float_of_bits(static_cast<unsigned>(value.bits) << 16); }
DEVICE float widen(f16 value) {
    _Float16 half;
    std::memcpy(&half, &value, sizeof half);
    return static_cast<float>(half);
}

template <class T>
inline T narrow(float value);

template <>
inline float narrow<float>(float value) {
    return value;
}

template <>
inline f16 narrow<f16>(float value) {
    const _Float16 half = static_cast<_Float16>(value);
    f16 result;
    std::memcpy(&result, &half, sizeof half);
    return result;
}

template <>
inline bf16 narrow<bf16>(float value) {
    const unsigned bits = bits_of_float(value);
    const unsigned rounded = value != value ? 0x7fff : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return {static_cast<unsigned short>(rounded)};
}

template <class T>
DEVICE unsigned narrow_pair(float low, float high) {
    return narrow<T>(low).bits | static_cast<unsigned>(narrow<T>(high).bits) << 16;
}

template <class T>
DEVICE T load(const T* address) {
    host_gpu::check_access(address, sizeof(T), alignof(T), false);
    return *address;
}

template <class T>
DEVICE void store(T* address, T value) {
    host_gpu::check_access(address, sizeof(T), alignof(T), true);
    *address = value;
}

DEVICE uint4 load_16_bytes(const void* address) {
    host_gpu::check_access(address, 16, 16, false);
    uint4 value;
    std::memcpy(&value, address, sizeof value);
    return value;
}

DEVICE void store_16_bytes(void* address, uint4 value) {
    host_gpu::check_access(address, 16, 16, true);
    std::memcpy(address, &value, sizeof value);
}

DEVICE void atomic_or(unsigned* address, unsigned value) { store(address, load(address) | value); }

DEVICE unsigned atomic_add(unsigned* address, unsigned value) {
    const unsigned old = load(address);
    store(address, old + value);
    return old;
}

DEVICE void memory_fence() {}

template <class T>
DEVICE T load_fresh(const T* address) {
    return load(address);
}

template <class T>
DEVICE T shuffle_xor(T value, int bits, int line = __builtin_LINE()) {
    static_assert(sizeof(T) <= 8);
    std::uint64_t word = 0;
    std::memcpy(&word, &value, sizeof value);
    word = host_gpu::exchange(word, bits, line);
    std::memcpy(&value, &word, sizeof value);
    return value;
}

DEVICE void barrier(int line = __builtin_LINE()) { host_gpu::block_barrier(line); }

DEVICE float fused(float a, float b, float c) { return std::fma(a, b, c); }
DEVICE float square_root(float value) { return std::sqrt(value); }
DEVICE float exponential(float value) { return std::exp(value); }
DEVICE float logarithm(float value) { return std::log(value); }
DEVICE float logarithm_of_1_plus(float value) { return std::log1p(value); }
DEVICE bool is_finite(float value) { return (bits_of_float(value) & 0x7f800000u) != 0x7f800000u; }
