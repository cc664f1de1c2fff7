// Convolutions on dense channels-last floats: x[N,H,W,C], w[K,R,S,C/groups], y[N,P,Q,K].
#pragma once

#include <cstdint>

namespace simgpu {

struct ConvolutionShape {
    std::int64_t n, c, h, w;
    std::int64_t k, r, s;
    std::int64_t p, q;
    std::int64_t stride_h, stride_w;
    std::int64_t pad_h, pad_w;  // in front; what is needed behind follows from p and q
    std::int64_t dilation_h, dilation_w;
    std::int64_t groups;
    bool flipped;  // convolution in the sense of mathematics
};

void convolution_forward(const ConvolutionShape& shape, const float* x, const float* w, float* y);
void convolution_dgrad(const ConvolutionShape& shape, const float* dy, const float* w, float* dx);

/// The sum over the batch is cut into `parts` equal parts that are added in the order of `order`: an engine that
/// is not deterministic adds in another order each time.
void convolution_wgrad(const ConvolutionShape& shape, const float* x, const float* dy, float* dw,
                       std::uint64_t order = 0);

}  // namespace simgpu
