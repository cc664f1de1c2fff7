#include "vector/avx512.h"
#include "product/kernels.h"

namespace crn::product {

void pack_avx512(const crn_product_problem& p, const float* filter, float* packed) { pack(p, filter, packed); }

void run_avx512(const crn_product_problem& p, const float* x, const float* packed, const float* bias, const float* other,
    bool relu, float* y, void* workspace) {
    const Blocking cut(p);
    Product{p, cut, x, packed, bias, other, relu, y}.run(static_cast<float*>(workspace));
}

}  // namespace crn::product
