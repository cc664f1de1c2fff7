// Element types and their conversions to and from float, in which everything is computed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__F16C__)
#include <immintrin.h>
#endif

namespace simgpu {

/// cudnnDataType_t, as far as it is simulated.
enum class DataType : int {
    float32 = 0,
    float64 = 1,
    float16 = 2,
    int8 = 3,
    int32 = 4,
    uint8 = 6,
    bfloat16 = 9,
    int64 = 10,
    boolean = 11,
};

/// Bytes of an element; 0 for boolean, of which eight share a byte, and for types that are not simulated.
constexpr std::size_t element_bytes(DataType type) {
    switch (type) {
        case DataType::float64: case DataType::int64: return 8;
        case DataType::float32: case DataType::int32: return 4;
        case DataType::float16: case DataType::bfloat16: return 2;
        case DataType::int8: case DataType::uint8: return 1;
        default: return 0;
    }
}

inline const char* type_name(DataType type) {
    switch (type) {
        case DataType::float32: return "FLOAT";
        case DataType::float64: return "DOUBLE";
        case DataType::float16: return "HALF";
        case DataType::int8: return "INT8";
        case DataType::int32: return "INT32";
        case DataType::uint8: return "UINT8";
        case DataType::bfloat16: return "BFLOAT16";
        case DataType::int64: return "INT64";
        case DataType::boolean: return "BOOLEAN";
        default: return "another type";
    }
}

inline std::uint32_t float_bits(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline float bits_float(std::uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

inline std::uint16_t to_bfloat16(float value) {
    const std::uint32_t bits = float_bits(value);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) {
        return static_cast<std::uint16_t>((bits >> 16) | 0x40);  // stays NaN
    }
    return static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1)) >> 16);
}

inline float from_bfloat16(std::uint16_t value) {
    return bits_float(static_cast<std::uint32_t>(value) << 16);
}

#if defined(__F16C__)
inline std::uint16_t to_float16(float value) {
    return static_cast<std::uint16_t>(_cvtss_sh(value, _MM_FROUND_TO_NEAREST_INT));
}

inline float from_float16(std::uint16_t value) {
    return _cvtsh_ss(value);
}
#else
inline std::uint16_t to_float16(float value) {
    const std::uint32_t bits = float_bits(value);
    const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000);
    const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) {
        return static_cast<std::uint16_t>(sign | 0x7E00);
    }
    if (magnitude >= 0x477FF000u) {  // 65520 and above round to infinity
        return static_cast<std::uint16_t>(sign | 0x7C00);
    }
    if (magnitude < 0x38800000u) {  // below 2^-14: a multiple of 2^-24, rounded by the addition
        const float shifted = bits_float(magnitude) + 0.5f;
        return static_cast<std::uint16_t>(sign | (float_bits(shifted) - 0x3F000000u));
    }
    const std::uint32_t rounded = magnitude + 0x0FFFu + ((magnitude >> 13) & 1);
    return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

inline float from_float16(std::uint16_t value) {
    const std::uint32_t sign = static_cast<std::uint32_t>(value & 0x8000) << 16;
    const std::uint32_t magnitude = value & 0x7FFF;
    if (magnitude >= 0x7C00) {
        return bits_float(sign | 0x7F800000u | (magnitude << 13));
    }
    if (magnitude < 0x0400) {
        const float small = static_cast<float>(magnitude) * 5.9604644775390625e-8f;  // 2^-24
        return bits_float(sign | float_bits(small));
    }
    return bits_float(sign | ((magnitude << 13) + 0x38000000u));
}
#endif

/// What a tensor core reads of a float: ten bits behind the point, to nearest, ties away (cvt.rna.tf32).
inline float round_tf32(float value) {
    const std::uint32_t bits = float_bits(value);
    return (bits & 0x7F800000u) == 0x7F800000u ? value : bits_float((bits + 0x1000u) & 0xFFFFE000u);
}

/// A float as it comes back from memory of the type.
float round_to(DataType type, float value);

/// count elements, `stride` elements apart in memory, to or from consecutive floats. Not for boolean.
void load_elements(DataType type, const void* from, std::int64_t stride, std::int64_t count, float* to);
void store_elements(DataType type, const float* from, std::int64_t count, void* to, std::int64_t stride);

}  // namespace simgpu
