#include "values.h"

#include "../math/buffer.h"

namespace simgpu::cudnn {
namespace {

std::vector<std::int64_t> dense_order(const std::vector<std::int64_t>& of) {
    return of.size() == 4 ? std::vector<std::int64_t>{of[0], of[2], of[3], of[1]} : of;
}

bool is_dense(const Tensor& tensor) {
    const auto dims = dense_order(tensor.dims);
    const auto strides = dense_order(tensor.strides);
    std::int64_t expected = 1;
    for (std::size_t i = dims.size(); i-- > 0;) {
        if (dims[i] != 1 && strides[i] != expected) {
            return false;
        }
        expected *= dims[i];
    }
    return true;
}

/// Calls visit(index of the first value, offset in memory in elements, count, stride) for runs along the last dimension.
template <typename Visit>
void for_each_run(const Tensor& tensor, Visit visit) {
    if (is_dense(tensor)) {
        visit(std::int64_t{0}, std::int64_t{0}, tensor.elements(), std::int64_t{1});
        return;
    }
    const auto dims = dense_order(tensor.dims);
    const auto strides = dense_order(tensor.strides);
    const std::size_t last = dims.size() - 1;
    const std::int64_t runs = tensor.elements() / dims[last];
    std::vector<std::int64_t> at(dims.size(), 0);
    std::int64_t offset = 0;
    for (std::int64_t run = 0; run < runs; ++run) {
        visit(run * dims[last], offset, dims[last], strides[last]);
        for (std::size_t i = last; i-- > 0;) {
            offset += strides[i];
            if (++at[i] < dims[i]) {
                break;
            }
            offset -= at[i] * strides[i];
            at[i] = 0;
        }
    }
}

}  // namespace

std::vector<std::int64_t> dense_dims(const Tensor& tensor) {
    return dense_order(tensor.dims);
}

Values take_values(std::int64_t count) {
    Values values;
    values.owned = take_buffer(static_cast<std::size_t>(count));
    values.data = values.owned.get();
    return values;
}

Values load(const Tensor& tensor, void* memory) {
    if (tensor.type == DataType::float32 && is_dense(tensor)) {
        Values values;
        values.data = static_cast<float*>(memory);
        return values;
    }
    Values values = take_values(tensor.elements());
    const auto* bytes = static_cast<const unsigned char*>(memory);
    for_each_run(tensor, [&](std::int64_t index, std::int64_t offset, std::int64_t count, std::int64_t stride) {
        if (tensor.type == DataType::boolean) {  // eight to a byte, lowest bit first
            for (std::int64_t i = 0; i < count; ++i) {
                const std::int64_t bit = offset + i * stride;
                values.data[index + i] = static_cast<float>((bytes[bit / 8] >> (bit % 8)) & 1);
            }
            return;
        }
        load_elements(tensor.type, bytes + offset * static_cast<std::int64_t>(element_bytes(tensor.type)), stride,
                      count, values.data + index);
    });
    return values;
}

void store(const Tensor& tensor, const Values& values, void* memory) {
    auto* bytes = static_cast<unsigned char*>(memory);
    for_each_run(tensor, [&](std::int64_t index, std::int64_t offset, std::int64_t count, std::int64_t stride) {
        if (tensor.type == DataType::boolean) {
            for (std::int64_t i = 0; i < count; ++i) {
                const std::int64_t bit = offset + i * stride;
                const auto mask = static_cast<unsigned char>(1u << (bit % 8));
                bytes[bit / 8] = static_cast<unsigned char>(values.data[index + i] != 0 ? bytes[bit / 8] | mask
                                                                                      : bytes[bit / 8] & ~mask);
            }
            return;
        }
        store_elements(tensor.type, values.data + index, count,
                       bytes + offset * static_cast<std::int64_t>(element_bytes(tensor.type)), stride);
    });
}

void round_values(DataType type, float* values, std::int64_t count) {
    if (type == DataType::float32) {
        return;
    }
    if (type == DataType::bfloat16) {
        for (std::int64_t i = 0; i < count; ++i) {
            values[i] = from_bfloat16(to_bfloat16(values[i]));
        }
        return;
    }
    for (std::int64_t i = 0; i < count; ++i) {
        values[i] = round_to(type, values[i]);
    }
}

}  // namespace simgpu::cudnn
