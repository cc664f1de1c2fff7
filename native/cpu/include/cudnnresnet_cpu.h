/* The C ABI of libcudnnresnet_cpu: own kernels for x86-64, beside oneDNN's. Every function is reentrant; those that run
   kernels open OpenMP parallel regions of the size they are told. */
#ifndef CUDNNRESNET_CPU_H
#define CUDNNRESNET_CPU_H

#include <stdint.h>

#define CRN_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/* Instruction sets that both the processor and the operating system allow this process. */
enum {
    CRN_AVX2 = 1,         /* AVX2 and FMA */
    CRN_AVX512 = 2,       /* AVX-512 F, BW, CD, DQ, VL */
    CRN_AVX512_BF16 = 4,  /* and BF16, VNNI */
    CRN_AMX_BF16 = 8      /* and AMX tiles with BF16; the permission for the tile registers has been asked for and given */
};

/* Version and checksum of the sources, for example "1-3141592653". */
CRN_API const char* crn_version(void);

/* A set of CRN_AVX2 ... CRN_AMX_BF16. */
CRN_API int32_t crn_features(void);

/* Additions and multiplications a second that all threads together can do in registers, in float32 or, where bf16 is not
   0 and the features hold CRN_AVX512_BF16, on bf16 (AMX aside); at least CRN_AVX2. Takes about 0.3 s. */
CRN_API double crn_peak_operations(int32_t threads, int32_t features, int32_t bf16);

/* Bytes a second that all threads together read from memory, which must be larger than the caches; multiples of 64. */
CRN_API double crn_peak_bandwidth(int32_t threads, const void* memory, int64_t bytes);

/* A convolution of n images: x[n][h][w][c], filters [k][r][s][c], y[n][p][q][k]; one stride and one padding for both
   directions. */
typedef struct {
    int32_t n, h, w, c, k, r, s, stride, pad, p, q;
} crn_convolution;

/* bf16 activations, dw in float32. Needs CRN_AVX512_BF16. The workspace is aligned to 64 bytes. */
CRN_API int64_t crn_wgrad_bf16_workspace(const crn_convolution* g, int32_t threads);
CRN_API void crn_wgrad_bf16(const crn_convolution* g, int32_t threads, const uint16_t* x, const uint16_t* dy, float* dw,
                            void* workspace);

/* The same with CRN_AMX_BF16, for channels and filters that are multiples of 32, and 1x1 filters without padding or 3x3
   filters with a padding of 1, with strides of 1 or 2. */
CRN_API int64_t crn_wgrad_amx_workspace(const crn_convolution* g, int32_t threads);
CRN_API void crn_wgrad_amx(const crn_convolution* g, int32_t threads, const uint16_t* x, const uint16_t* dy, float* dw,
                           void* workspace);

/* A 3x3 convolution of stride 1 and padding 1 by Winograd's method: x[n,h,w,c] to y[n,h,w,k]. All arithmetic is in
   float32. */
typedef struct {
    int32_t n, h, w, c, k;
    int32_t tile;      /* outputs of a tile in each direction: 2 or 4 */
    int32_t bf16;      /* not 0: x, y and other are bf16, and filters are rounded to it before they are transformed */
    int32_t threads;   /* the result does not depend on it */
    int32_t features;  /* what may be used; at least CRN_AVX2 */
} crn_winograd_problem;

/* Bytes of the transformed filters, and of the memory that a run uses; both for pointers that are multiples of 64. */
CRN_API int64_t crn_winograd_packed_bytes(const crn_winograd_problem* problem);
CRN_API int64_t crn_winograd_workspace_bytes(const crn_winograd_problem* problem);

/* Transforms filters. The filter lies as [k,3,3,c], or, where backward is not 0, as that of the convolution whose dgrad
   the problem is: [c,3,3,k], read with both filter axes reversed. */
CRN_API void crn_winograd_pack(const crn_winograd_problem* problem, const float* filter, int32_t backward, float* packed);

/* y = convolution [+ bias[k]] [+ other[n,h,w,k]], then the maximum with 0 where relu is not 0. bias and other may be
   null; other may be y. */
CRN_API void crn_winograd_run(const crn_winograd_problem* problem, const void* x, const float* packed, const float* bias,
                              const void* other, int32_t relu, void* y, void* workspace);

/* A 1x1 convolution without padding in float32: x[n,h,w,c] to y[n,p,q,k], p = (h - 1) / stride + 1, q likewise. */
typedef struct {
    int32_t n, h, w, c, k, stride;
    int32_t threads;   /* the result does not depend on it */
    int32_t features;  /* what may be used; at least CRN_AVX2 */
} crn_product_problem;

/* Bytes of the packed filters, and of the memory that a run uses; both for pointers that are multiples of 64. */
CRN_API int64_t crn_product_packed_bytes(const crn_product_problem* problem);
CRN_API int64_t crn_product_workspace_bytes(const crn_product_problem* problem);

/* Packs filter[k,c]. */
CRN_API void crn_product_pack(const crn_product_problem* problem, const float* filter, float* packed);

/* y = convolution [+ bias[k]] [+ other[n,p,q,k]], then the maximum with 0 where relu is not 0. bias and other may be
   null; other may be y. */
CRN_API void crn_product_run(const crn_product_problem* problem, const float* x, const float* packed, const float* bias,
                             const float* other, int32_t relu, float* y, void* workspace);

/* A convolution of bf16 activations with sums in float32: x[n][h][w][c] to y[n][p][q][k], c and k multiples of 32, filters up
   to 7x7. */
typedef struct {
    int32_t n, h, w, c, k, r, s, stride, pad, p, q;
    int32_t threads;
    int32_t features;  /* what may be used; at least CRN_AVX512_BF16, and CRN_AMX_BF16 only where the processor has it */
} crn_direct_problem;

/* Bytes of the packed filters, and of the memory that a run uses; both for pointers that are multiples of 64. */
CRN_API int64_t crn_direct_packed_bytes(const crn_direct_problem* problem);
CRN_API int64_t crn_direct_workspace_bytes(const crn_direct_problem* problem);

/* Rounds filters to bf16 and packs them. The filter lies as [k,r,s,c], or, where backward is not 0, as that of the
   convolution whose dgrad the problem is: [c,r,s,k], read with both filter axes reversed. */
CRN_API void crn_direct_pack(const crn_direct_problem* problem, const float* filter, int32_t backward, uint16_t* packed);

/* What a run reads and writes. Each group may be null as a whole; x, packed and y may not. */
typedef struct {
    const uint16_t* x;

    /* The input is not x but max((x - mean) * scale + shift [+ other], 0), by channel of x, which is also written to y unless
       that is null. Of 1x1 filters the stride must be 1, of others the padding at least the stride less 1. */
    struct {
        const float *mean, *scale, *shift;
        const uint16_t* other;
        uint16_t* y;
    } input;

    const uint16_t* packed;

    /* y = convolution [+ bias[k]] [+ other[n,p,q,k]], 0 where mask[n,p,q,k] is not positive, then the maximum with 0 where relu
       is not 0; other may be y. */
    const float* bias;
    const uint16_t *other, *mask;
    int64_t relu;
    uint16_t* y;

    /* Statistics of y as it is written, by channel: its mean and the sum of the squared distances from that. Or, where norm_x
       is not null, the sum of y, and the sum of y * (norm_x[n,p,q,k] - norm_mean[k]). */
    double *first, *second;
    const uint16_t* norm_x;
    const float* norm_mean;
} crn_direct_operands;

/* y does not depend on the number of threads; statistics do, by roundings. */
CRN_API void crn_direct_run(const crn_direct_problem* problem, const crn_direct_operands* operands, void* workspace);

/* A bottleneck in bf16, its batch norms folded, depth first: three convolutions from x[n,h,w,c] to y[n,p,q,k], 1x1 of stride
   outer_stride, 3x3 of stride inner_stride and padding 1, and 1x1, with m channels between them. The intermediates are
   rounded to bf16 and never leave the caches. c, m and k are multiples of 32; h1 = (h - 1) / outer_stride + 1,
   p = (h1 - 1) / inner_stride + 1, and w1 and q likewise; strides are 1 or 2. */
typedef struct {
    int32_t n, h, w, c, m, k, outer_stride, inner_stride;
    int32_t threads;   /* the result does not depend on it */
    int32_t features;  /* what may be used; at least CRN_AVX512_BF16 */
} crn_bottleneck_problem;

/* Bytes of the packed filters, and of the memory that a run uses; both for pointers that are multiples of 64. */
CRN_API int64_t crn_bottleneck_packed_bytes(const crn_bottleneck_problem* problem);
CRN_API int64_t crn_bottleneck_workspace_bytes(const crn_bottleneck_problem* problem);

/* Rounds to bf16 and packs the three filters [m,c], [m,3,3,m] and [k,m]. */
CRN_API void crn_bottleneck_pack(const crn_bottleneck_problem* problem, const float* const* filters, void* packed);

/* y = conv3(relu(conv2(relu(conv1(x) [+ bias])) [+ bias])) [+ bias] [+ other[n,p,q,k]], then the maximum with 0 where relu
   is not 0. The three biases and other may be null; other may be y. */
CRN_API void crn_bottleneck_run(const crn_bottleneck_problem* problem, const uint16_t* x, const void* packed,
                                const float* const* biases, const uint16_t* other, int32_t relu, uint16_t* y, void* workspace);

#ifdef __cplusplus
}
#endif

#endif
