#pragma once

#include <cstdint>
#include <vector>

namespace simgpu {

/// A matrix in memory: element (i, j) at data[i * row + j * column].
struct Matrix {
    const float* data;
    std::int64_t row;
    std::int64_t column;
};

/// c[i * ldc + j] = (accumulate ? c : 0) + sum over l of a(i, l) b(l, j), on the calling thread.
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, Matrix a, Matrix b, float* c, std::int64_t ldc,
          bool accumulate);

/// Memory that this thread keeps between calls, so that large temporaries cost no page faults. One user per slot.
float* scratch(int slot, std::size_t count);

}  // namespace simgpu
