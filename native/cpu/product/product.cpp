#include "product/product.h"

namespace crn::product {

// Rows of a block stay in the L2 cache together with a panel of filters, and use each filter that often.
constexpr int64_t kBlockRows = 56;
// With fewer rows for each thread, sharing out the panels balances better.
constexpr int64_t kFewestRows = 16;

Blocking::Blocking(const crn_product_problem& p) {
    p_extent = (p.h - 1) / p.stride + 1;
    q_extent = (p.w - 1) / p.stride + 1;
    rows = p.n * p_extent * q_extent;
    in_blocks = ceil_div(p.c, kLanes);
    out_blocks = ceil_div(p.k, kLanes);
    panels = ceil_div(out_blocks * kLanes, kPanel);
    threads = p.threads;
    shared = rows < kFewestRows * threads;
    block_rows = shared ? rows : kBlockRows;
    if (block_rows > rows) block_rows = rows;
    unit_rows = kBlockRows < rows ? kBlockRows : rows;
}

}  // namespace crn::product

using namespace crn::product;

int64_t crn_product_packed_bytes(const crn_product_problem* problem) { return Blocking(*problem).packed_bytes(); }

int64_t crn_product_workspace_bytes(const crn_product_problem* problem) { return Blocking(*problem).workspace_bytes(); }

void crn_product_pack(const crn_product_problem* problem, const float* filter, float* packed) {
    const auto pack = problem->features & CRN_AVX512 ? pack_avx512 : pack_avx2;
    pack(*problem, filter, packed);
}

void crn_product_run(const crn_product_problem* problem, const float* x, const float* packed, const float* bias,
                     const float* other, int32_t relu, float* y, void* workspace) {
    const auto run = problem->features & CRN_AVX512 ? run_avx512 : run_avx2;
    run(*problem, x, packed, bias, other, relu != 0, y, workspace);
}
