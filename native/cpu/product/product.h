// One entry for each instruction set.
#pragma once

#include <stdint.h>

#include "cudnnresnet_cpu.h"
#include "vector/panels.h"

namespace crn::product {

// How a problem is cut: positions are rows of a matrix product. Either every thread takes its rows through all panels,
// or, where rows are few and filters many, all threads pack all rows and share out the panels.
struct Blocking {
    explicit Blocking(const crn_product_problem& p);

    int64_t p_extent, q_extent, rows;  // P, Q and N P Q
    int64_t in_blocks, out_blocks, panels;
    int64_t threads;
    bool shared;
    int64_t block_rows;                // rows that are packed at once
    int64_t unit_rows;                 // rows of one product

    int64_t packed_bytes() const { return in_blocks * kLanes * out_blocks * kLanes * int64_t(sizeof(float)); }
    int64_t input_bytes() const { return in_blocks * kLanes * block_rows * int64_t(sizeof(float)); }
    int64_t workspace_bytes() const { return (shared ? 1 : threads) * input_bytes(); }
};

void pack_avx512(const crn_product_problem& p, const float* filter, float* packed);
void pack_avx2(const crn_product_problem& p, const float* filter, float* packed);

void run_avx512(const crn_product_problem& p, const float* x, const float* packed, const float* bias, const float* other,
                bool relu, float* y, void* workspace);
void run_avx2(const crn_product_problem& p, const float* x, const float* packed, const float* bias, const float* other,
              bool relu, float* y, void* workspace);

}  // namespace crn::product
