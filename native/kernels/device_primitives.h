// Everything the kernels need beyond plain C++: the launch keyword, conversions of 16-bit floats, checked memory
// accesses, shuffles and atomics. The only file that knows device intrinsics. It includes no CUDA header, so NVRTC alone
// compiles it (with --device-as-default-execution-space, which makes lambdas device code); any other compiler gets the
// second implementation, in host/, in which memory accesses are checked.
#pragma once

#ifdef __CUDACC__

using size_t = decltype(sizeof(0));

#define DEVICE static __device__ __forceinline__
#define MEMBER __device__ __forceinline__

// Blocks have at most kMaxBlockThreads threads. The parameters follow the name.
#define KERNEL(name, ...) extern "C" __global__ void __launch_bounds__(256) name(__VA_ARGS__)

// An array that the threads of a block share.
#define SHARED_ARRAY(T, name, count) __shared__ T name[count]

/// An IEEE binary16 and a bfloat16 as they lie in memory.
struct f16 {
    unsigned short bits;
};
struct bf16 {
    unsigned short bits;
};

DEVICE float widen(float value) { return value; }
DEVICE float widen(bf16 value) { return __uint_as_float((unsigned)value.bits << 16); }
DEVICE float widen(f16 value) {
    float wide;
    asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(value.bits));
    return wide;
}

/// Rounds to nearest even; NaN stays NaN.
template <class T>
DEVICE T narrow(float value);

template <>
MEMBER float narrow<float>(float value) {
    return value;
}

template <>
MEMBER f16 narrow<f16>(float value) {
    f16 result;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result.bits) : "f"(value));
    return result;
}

// cvt.rn.bf16x2 came with sm_80; below, the rounding is done on the bits.
template <>
MEMBER bf16 narrow<bf16>(float value) {
    bf16 result;
#if __CUDA_ARCH__ >= 800
    unsigned pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(0.0f), "f"(value));
    result.bits = (unsigned short)pair;
#else
    unsigned bits = __float_as_uint(value);
    result.bits = value != value ? 0x7fff : (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
#endif
    return result;
}

/// Two values as one 32-bit word, the first in the low half.
template <class T>
DEVICE unsigned narrow_pair(float low, float high);

template <>
MEMBER unsigned narrow_pair<f16>(float low, float high) {
#if __CUDA_ARCH__ >= 800
    unsigned pair;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
#else
    return narrow<f16>(low).bits | (unsigned)narrow<f16>(high).bits << 16;
#endif
}

template <>
MEMBER unsigned narrow_pair<bf16>(float low, float high) {
#if __CUDA_ARCH__ >= 800
    unsigned pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
#else
    return narrow<bf16>(low).bits | (unsigned)narrow<bf16>(high).bits << 16;
#endif
}

DEVICE float float_of_bits(unsigned bits) { return __uint_as_float(bits); }
DEVICE unsigned bits_of_float(float value) { return __float_as_uint(value); }

// Every access through a device pointer goes through these four: the host's versions check it.
template <class T>
DEVICE T load(const T* address) {
    return *address;
}

template <class T>
DEVICE void store(T* address, T value) {
    *address = value;
}

/// 16 bytes at an address that is a multiple of 16.
DEVICE uint4 load_16_bytes(const void* address) { return *static_cast<const uint4*>(address); }
DEVICE void store_16_bytes(void* address, uint4 value) { *static_cast<uint4*>(address) = value; }

DEVICE void atomic_or(unsigned* address, unsigned value) { atomicOr(address, value); }
DEVICE unsigned atomic_add(unsigned* address, unsigned value) { return atomicAdd(address, value); }

/// What this thread wrote is there for every thread that sees what it writes from here on.
DEVICE void memory_fence() { __threadfence(); }

/// As load, but never from a cache of the multiprocessor, which may hold what other blocks have changed since.
template <class T>
DEVICE T load_fresh(const T* address) {
    return *static_cast<const volatile T*>(address);
}

/// The value of the lane whose number differs by these bits; all 32 lanes take part.
template <class T>
DEVICE T shuffle_xor(T value, int bits) {
    return __shfl_xor_sync(0xffffffffu, value, bits);
}

DEVICE void barrier() { __syncthreads(); }

DEVICE float fused(float a, float b, float c) { return fmaf(a, b, c); }
DEVICE float square_root(float value) { return __fsqrt_rn(value); }
DEVICE float exponential(float value) { return expf(value); }
DEVICE float logarithm(float value) { return logf(value); }
DEVICE float logarithm_of_1_plus(float value) { return log1pf(value); }
DEVICE bool is_finite(float value) { return (__float_as_uint(value) & 0x7f800000u) != 0x7f800000u; }

#else
#include "host/host_primitives.h"
#endif

constexpr int kMaxBlockThreads = 256;
constexpr int kWarpLanes = 32;
