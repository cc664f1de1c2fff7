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

/* A convolution of n images: x[n][h][w][c], filters [k][r][s][c], y[n][p][q][k]; one stride and one padding for both
   directions. */
typedef struct {
    int32_t n, h, w, c, k, r, s, stride, pad, p, q;
} crn_convolution;

/* bf16 activations, dw in float32. Needs CRN_AVX512_BF16. The workspace is aligned to 64 bytes. */
CRN_API int64_t crn_wgrad_bf16_workspace(const crn_convolution* g, int32_t threads);
CRN_API void crn_wgrad_bf16(const crn_convolution* g, int32_t threads, const uint16_t* x, const uint16_t* dy, float* dw,
                            void* workspace);

#ifdef __cplusplus
}
#endif

#endif
