#include "types.h"

#include <cmath>

namespace simgpu {
namespace {

template <typename T>
T saturate(float value, double low, double high) {
    if (!(value == value)) {
        return 0;
    }
    const double rounded = std::nearbyint(static_cast<double>(value));
    return static_cast<T>(rounded < low ? low : rounded > high ? high : rounded);
}

template <typename T, typename Convert>
void load(const void* from, std::int64_t stride, std::int64_t count, float* to, Convert convert) {
    const T* source = static_cast<const T*>(from);
    if (stride == 1) {
        for (std::int64_t i = 0; i < count; ++i) {
            to[i] = convert(source[i]);
        }
        return;
    }
    for (std::int64_t i = 0; i < count; ++i) {
        to[i] = convert(source[i * stride]);
    }
}

template <typename T, typename Convert>
void store(const float* from, std::int64_t count, void* to, std::int64_t stride, Convert convert) {
    T* target = static_cast<T*>(to);
    if (stride == 1) {
        for (std::int64_t i = 0; i < count; ++i) {
            target[i] = convert(from[i]);
        }
        return;
    }
    for (std::int64_t i = 0; i < count; ++i) {
        target[i * stride] = convert(from[i]);
    }
}

}  // namespace

float round_to(DataType type, float value) {
    switch (type) {
        case DataType::float16: return from_float16(to_float16(value));
        case DataType::bfloat16: return from_bfloat16(to_bfloat16(value));
        case DataType::int8: return static_cast<float>(saturate<std::int8_t>(value, -128, 127));
        case DataType::uint8: return static_cast<float>(saturate<std::uint8_t>(value, 0, 255));
        case DataType::int32: return static_cast<float>(saturate<std::int32_t>(value, -2147483648.0, 2147483647.0));
        case DataType::boolean: return value != 0 ? 1.0f : 0.0f;
        default: return value;
    }
}

void load_elements(DataType type, const void* from, std::int64_t stride, std::int64_t count, float* to) {
    const auto plain = [](auto value) { return static_cast<float>(value); };
    switch (type) {
        case DataType::float32: load<float>(from, stride, count, to, plain); break;
        case DataType::float64: load<double>(from, stride, count, to, plain); break;
        case DataType::float16: load<std::uint16_t>(from, stride, count, to, from_float16); break;
        case DataType::bfloat16: load<std::uint16_t>(from, stride, count, to, from_bfloat16); break;
        case DataType::int8: load<std::int8_t>(from, stride, count, to, plain); break;
        case DataType::uint8: load<std::uint8_t>(from, stride, count, to, plain); break;
        case DataType::int32: load<std::int32_t>(from, stride, count, to, plain); break;
        case DataType::int64: load<std::int64_t>(from, stride, count, to, plain); break;
        default: break;
    }
}

void store_elements(DataType type, const float* from, std::int64_t count, void* to, std::int64_t stride) {
    switch (type) {
        case DataType::float32: store<float>(from, count, to, stride, [](float v) { return v; }); break;
        case DataType::float64: store<double>(from, count, to, stride, [](float v) { return double{v}; }); break;
        case DataType::float16: store<std::uint16_t>(from, count, to, stride, to_float16); break;
        case DataType::bfloat16: store<std::uint16_t>(from, count, to, stride, to_bfloat16); break;
        case DataType::int8:
            store<std::int8_t>(from, count, to, stride, [](float v) { return saturate<std::int8_t>(v, -128, 127); });
            break;
        case DataType::uint8:
            store<std::uint8_t>(from, count, to, stride, [](float v) { return saturate<std::uint8_t>(v, 0, 255); });
            break;
        case DataType::int32:
            store<std::int32_t>(from, count, to, stride,
                                [](float v) { return saturate<std::int32_t>(v, -2147483648.0, 2147483647.0); });
            break;
        case DataType::int64:
            store<std::int64_t>(from, count, to, stride,
                                [](float v) { return saturate<std::int64_t>(v, -9.0e18, 9.0e18); });
            break;
        default: break;
    }
}

}  // namespace simgpu
