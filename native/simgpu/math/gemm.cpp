#include "gemm.h"

#include <algorithm>
#include <cstring>

namespace simgpu {
namespace {

constexpr std::int64_t kRows = 6;
constexpr std::int64_t kColumns = 16;
constexpr std::int64_t kDepthBlock = 256;
constexpr std::int64_t kRowBlock = 120;
constexpr std::int64_t kColumnBlock = 1024;

using Vector = float __attribute__((vector_size(32)));

Vector load(const float* from) {
    Vector value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

/// Panels of kRows rows, depth-major; rows beyond the edge are zero.
void pack_rows(Matrix a, std::int64_t rows, std::int64_t depth, float* to) {
    for (std::int64_t i = 0; i < rows; i += kRows) {
        const std::int64_t height = std::min(kRows, rows - i);
        for (std::int64_t l = 0; l < depth; ++l, to += kRows) {
            for (std::int64_t r = 0; r < kRows; ++r) {
                to[r] = r < height ? a.data[(i + r) * a.row + l * a.column] : 0.0f;
            }
        }
    }
}

void pack_columns(Matrix b, std::int64_t depth, std::int64_t columns, float* to) {
    for (std::int64_t j = 0; j < columns; j += kColumns, to += depth * kColumns) {
        const std::int64_t width = std::min(kColumns, columns - j);
        if (b.column == 1 && width == kColumns) {
            for (std::int64_t l = 0; l < depth; ++l) {
                std::memcpy(to + l * kColumns, b.data + l * b.row + j, kColumns * sizeof(float));
            }
            continue;
        }
        for (std::int64_t c = 0; c < kColumns; ++c) {
            for (std::int64_t l = 0; l < depth; ++l) {
                to[l * kColumns + c] = c < width ? b.data[l * b.row + (j + c) * b.column] : 0.0f;
            }
        }
    }
}

/// 6 x 16 sums in registers.
void micro(std::int64_t depth, const float* a, const float* b, float* tile) {
    Vector sums[kRows][2] = {};
    for (std::int64_t l = 0; l < depth; ++l, a += kRows, b += kColumns) {
        const Vector b0 = load(b);
        const Vector b1 = load(b + 8);
        for (std::int64_t r = 0; r < kRows; ++r) {
            const Vector value = a[r] - Vector{};
            sums[r][0] += value * b0;
            sums[r][1] += value * b1;
        }
    }
    std::memcpy(tile, sums, sizeof sums);
}

void add_tile(const float* tile, std::int64_t height, std::int64_t width, float* c, std::int64_t ldc, bool first) {
    for (std::int64_t r = 0; r < height; ++r) {
        float* row = c + r * ldc;
        const float* sums = tile + r * kColumns;
        if (first) {
            std::copy(sums, sums + width, row);
        } else {
            for (std::int64_t j = 0; j < width; ++j) {
                row[j] += sums[j];
            }
        }
    }
}

std::int64_t round_up(std::int64_t value, std::int64_t unit) {
    return (value + unit - 1) / unit * unit;
}

}  // namespace

float* scratch(int slot, std::size_t count) {
    thread_local std::vector<float> buffers[8];
    std::vector<float>& buffer = buffers[slot];
    if (buffer.size() < count) {
        buffer.resize(count);
    }
    return buffer.data();
}

void gemm(std::int64_t m, std::int64_t n, std::int64_t k, Matrix a, Matrix b, float* c, std::int64_t ldc,
          bool accumulate) {
    if (k == 0 && !accumulate) {
        for (std::int64_t i = 0; i < m; ++i) {
            std::fill(c + i * ldc, c + i * ldc + n, 0.0f);
        }
    }
    alignas(32) float tile[kRows * kColumns];
    for (std::int64_t j0 = 0; j0 < n; j0 += kColumnBlock) {
        const std::int64_t columns = std::min(kColumnBlock, n - j0);
        for (std::int64_t l0 = 0; l0 < k; l0 += kDepthBlock) {
            const std::int64_t depth = std::min(kDepthBlock, k - l0);
            float* packed_b = scratch(0, static_cast<std::size_t>(round_up(columns, kColumns) * depth));
            pack_columns({b.data + l0 * b.row + j0 * b.column, b.row, b.column}, depth, columns, packed_b);
            const bool first = l0 == 0 && !accumulate;
            for (std::int64_t i0 = 0; i0 < m; i0 += kRowBlock) {
                const std::int64_t rows = std::min(kRowBlock, m - i0);
                float* packed_a = scratch(1, static_cast<std::size_t>(round_up(rows, kRows) * depth));
                pack_rows({a.data + i0 * a.row + l0 * a.column, a.row, a.column}, rows, depth, packed_a);
                for (std::int64_t j = 0; j < columns; j += kColumns) {
                    for (std::int64_t i = 0; i < rows; i += kRows) {
                        micro(depth, packed_a + i * depth, packed_b + j * depth, tile);
                        add_tile(tile, std::min(kRows, rows - i), std::min(kColumns, columns - j),
                                 c + (i0 + i) * ldc + j0 + j, ldc, first);
                    }
                }
            }
        }
    }
}

}  // namespace simgpu
