// One entry for each instruction set.
#pragma once

#include <stdint.h>

namespace crn::peak {

// Runs `rounds` rounds of independent multiply-adds in registers; the result keeps the compiler from leaving them out.
float run_avx2(int64_t rounds);
float run_avx512(int64_t rounds);
float run_bf16(int64_t rounds);

constexpr int kChains = 24;                                        // hide the latency of two units with slack
constexpr int64_t kAvx2Operations = int64_t(kChains) / 2 * 8 * 2;  // of one round
constexpr int64_t kAvx512Operations = int64_t(kChains) * 16 * 2;
constexpr int64_t kBf16Operations = int64_t(kChains) * 32 * 2;

}  // namespace crn::peak
