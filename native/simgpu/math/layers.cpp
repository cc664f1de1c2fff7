#include "layers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace simgpu {
namespace {

template <typename Visit>
void for_each_window(const PoolingShape& s, Visit visit) {
    for (std::int64_t n = 0; n < s.n; ++n) {
        for (std::int64_t p = 0; p < s.p; ++p) {
            for (std::int64_t q = 0; q < s.q; ++q) {
                visit(n, p * s.stride_h - s.pad_h, q * s.stride_w - s.pad_w, ((n * s.p + p) * s.q + q) * s.c);
            }
        }
    }
}

/// Calls visit(place in the window, offset of the pixel) for the pixels of a window inside the image.
template <typename Visit>
void for_each_pixel(const PoolingShape& s, std::int64_t n, std::int64_t top, std::int64_t left, Visit visit) {
    for (std::int64_t r = 0; r < s.window_h; ++r) {
        for (std::int64_t t = 0; t < s.window_w; ++t) {
            const std::int64_t h = top + r;
            const std::int64_t w = left + t;
            if (h >= 0 && h < s.h && w >= 0 && w < s.w) {
                visit(r * s.window_w + t, ((n * s.h + h) * s.w + w) * s.c);
            }
        }
    }
}

float share(const PoolingShape& s, std::int64_t n, std::int64_t top, std::int64_t left) {
    std::int64_t pixels = s.window_h * s.window_w;
    if (s.kind == PoolingShape::Kind::average_without_padding) {
        pixels = 0;
        for_each_pixel(s, n, top, left, [&](std::int64_t, std::int64_t) { ++pixels; });
    }
    return 1.0f / static_cast<float>(pixels);
}

}  // namespace

void channel_sums(std::int64_t rows, std::int64_t channels, const float* x, float* sum, float* squares) {
    std::vector<double> sums(static_cast<std::size_t>(channels)), sums_of_squares(static_cast<std::size_t>(channels));
    for (std::int64_t row = 0; row < rows; ++row, x += channels) {
        for (std::int64_t c = 0; c < channels; ++c) {
            const double value = x[c];
            sums[static_cast<std::size_t>(c)] += value;
            sums_of_squares[static_cast<std::size_t>(c)] += value * value;
        }
    }
    std::copy(sums.begin(), sums.end(), sum);
    std::copy(sums_of_squares.begin(), sums_of_squares.end(), squares);
}

void channel_statistics(std::int64_t rows, std::int64_t channels, const float* x, float* mean, float* variance) {
    const auto count = static_cast<std::size_t>(channels);
    std::vector<double> means(count), squares(count);
    for (std::int64_t row = 0; row < rows; ++row) {
        for (std::size_t c = 0; c < count; ++c) {
            means[c] += x[row * channels + static_cast<std::int64_t>(c)];
        }
    }
    for (double& value : means) {
        value /= static_cast<double>(rows);
    }
    for (std::int64_t row = 0; row < rows; ++row) {
        for (std::size_t c = 0; c < count; ++c) {
            const double centred = x[row * channels + static_cast<std::int64_t>(c)] - means[c];
            squares[c] += centred * centred;
        }
    }
    for (std::size_t c = 0; c < count; ++c) {
        mean[c] = static_cast<float>(means[c]);
        variance[c] = static_cast<float>(squares[c] / static_cast<double>(rows));
    }
}

void normalize(std::int64_t rows, std::int64_t channels, const float* x, const float* mean,
               const float* inverse_deviation, const float* scale, const float* bias, float* y) {
    for (std::int64_t row = 0; row < rows; ++row, x += channels, y += channels) {
        for (std::int64_t c = 0; c < channels; ++c) {
            y[c] = (x[c] - mean[c]) * inverse_deviation[c] * scale[c] + bias[c];
        }
    }
}

void norm_weight_gradients(std::int64_t rows, std::int64_t channels, const float* x, const float* dy, const float* mean,
                           const float* inverse_deviation, float* dscale, float* dbias) {
    const auto count = static_cast<std::size_t>(channels);
    std::vector<double> scale_sums(count), bias_sums(count);
    for (std::int64_t row = 0; row < rows; ++row, x += channels, dy += channels) {
        for (std::size_t c = 0; c < count; ++c) {
            scale_sums[c] += static_cast<double>(dy[c]) * (static_cast<double>(x[c]) - mean[c]);
            bias_sums[c] += dy[c];
        }
    }
    for (std::size_t c = 0; c < count; ++c) {
        dscale[c] = static_cast<float>(scale_sums[c] * inverse_deviation[c]);
        dbias[c] = static_cast<float>(bias_sums[c]);
    }
}

void norm_input_gradient(std::int64_t rows, std::int64_t channels, const float* x, const float* dy, const float* mean,
                         const float* inverse_deviation, const float* scale, const float* dscale, const float* dbias,
                         float* dx) {
    const float part = 1.0f / static_cast<float>(rows);
    for (std::int64_t row = 0; row < rows; ++row, x += channels, dy += channels, dx += channels) {
        for (std::int64_t c = 0; c < channels; ++c) {
            const float normal = (x[c] - mean[c]) * inverse_deviation[c];
            dx[c] = scale[c] * inverse_deviation[c] * (dy[c] - part * (dbias[c] + normal * dscale[c]));
        }
    }
}

void pooling_forward(const PoolingShape& s, const float* x, float* y, float* index) {
    const bool maximum = s.kind == PoolingShape::Kind::maximum;
    for_each_window(s, [&](std::int64_t n, std::int64_t top, std::int64_t left, std::int64_t out) {
        std::fill(y + out, y + out + s.c, maximum ? -std::numeric_limits<float>::infinity() : 0.0f);
        if (index != nullptr) {
            std::fill(index + out, index + out + s.c, 0.0f);
        }
        for_each_pixel(s, n, top, left, [&](std::int64_t place, std::int64_t in) {
            for (std::int64_t c = 0; c < s.c; ++c) {
                const float value = x[in + c];
                if (!maximum) {
                    y[out + c] += value;
                } else if (value > y[out + c] || std::isnan(value)) {
                    y[out + c] = value;
                    if (index != nullptr) {
                        index[out + c] = static_cast<float>(place);
                    }
                }
            }
        });
        if (!maximum) {
            const float factor = share(s, n, top, left);
            for (std::int64_t c = 0; c < s.c; ++c) {
                y[out + c] *= factor;
            }
        }
    });
}

void pooling_backward(const PoolingShape& s, const float* x, const float* dy, const float* index, float* dx) {
    std::fill(dx, dx + s.n * s.h * s.w * s.c, 0.0f);
    std::vector<float> best(static_cast<std::size_t>(s.c)), place_of(static_cast<std::size_t>(s.c));
    for_each_window(s, [&](std::int64_t n, std::int64_t top, std::int64_t left, std::int64_t out) {
        if (s.kind != PoolingShape::Kind::maximum) {
            const float factor = share(s, n, top, left);
            for_each_pixel(s, n, top, left, [&](std::int64_t, std::int64_t in) {
                for (std::int64_t c = 0; c < s.c; ++c) {
                    dx[in + c] += factor * dy[out + c];
                }
            });
            return;
        }
        const float* places = index == nullptr ? nullptr : index + out;
        if (places == nullptr) {
            std::fill(best.begin(), best.end(), -std::numeric_limits<float>::infinity());
            std::fill(place_of.begin(), place_of.end(), -1.0f);
            for_each_pixel(s, n, top, left, [&](std::int64_t place, std::int64_t in) {
                for (std::int64_t c = 0; c < s.c; ++c) {
                    const auto at = static_cast<std::size_t>(c);
                    if (place_of[at] < 0 || x[in + c] > best[at]) {
                        best[at] = x[in + c];
                        place_of[at] = static_cast<float>(place);
                    }
                }
            });
            places = place_of.data();
        }
        for_each_pixel(s, n, top, left, [&](std::int64_t place, std::int64_t in) {
            for (std::int64_t c = 0; c < s.c; ++c) {
                if (places[c] == static_cast<float>(place)) {
                    dx[in + c] += dy[out + c];
                }
            }
        });
    });
}

}  // namespace simgpu
