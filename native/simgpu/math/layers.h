// Batch norm and pooling on dense channels-last floats: rows of C channels. Sums are kept in double.
#pragma once

#include <cstdint>

namespace simgpu {

/// Mean and biased variance of each channel.
void channel_statistics(std::int64_t rows, std::int64_t channels, const float* x, float* mean, float* variance);

/// Sum and sum of squares of each channel.
void channel_sums(std::int64_t rows, std::int64_t channels, const float* x, float* sum, float* squares);

/// y = (x - mean) * inverse_deviation * scale + bias
void normalize(std::int64_t rows, std::int64_t channels, const float* x, const float* mean,
               const float* inverse_deviation, const float* scale, const float* bias, float* y);

/// Gradients of scale and bias.
void norm_weight_gradients(std::int64_t rows, std::int64_t channels, const float* x, const float* dy, const float* mean,
                           const float* inverse_deviation, float* dscale, float* dbias);

void norm_input_gradient(std::int64_t rows, std::int64_t channels, const float* x, const float* dy, const float* mean,
                         const float* inverse_deviation, const float* scale, const float* dscale, const float* dbias,
                         float* dx);

struct PoolingShape {
    std::int64_t n, c, h, w, p, q;
    std::int64_t window_h, window_w, stride_h, stride_w, pad_h, pad_w;
    enum class Kind { maximum, average_with_padding, average_without_padding } kind;
};

/// `index`, where not null, gets the place of the first maximum within its window.
void pooling_forward(const PoolingShape& shape, const float* x, float* y, float* index);
/// Maxima are found again in x where `index` is null.
void pooling_backward(const PoolingShape& shape, const float* x, const float* dy, const float* index, float* dx);

}  // namespace simgpu
