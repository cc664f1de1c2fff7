// What the processor has (CPUID) and the operating system saves and restores (XCR0) or grants on request (AMX tiles).
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cudnnresnet_cpu.h"

namespace {

constexpr int kArchReqXcompPerm = 0x1023;
constexpr int kXfeatureXtiledata = 18;
constexpr uint64_t kXcr0Avx = 0x6;         // SSE and AVX state
constexpr uint64_t kXcr0Avx512 = 0xe6;     // and opmask, ZMM_Hi256, Hi16_ZMM
constexpr uint64_t kXcr0Tiles = 0x60000;   // XTILECFG and XTILEDATA

uint64_t xcr0() {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t(high) << 32) | low;
}

bool has(uint32_t value, int bit) { return (value >> bit) & 1; }

int32_t probe() {
    uint32_t a, b, c, d, b7, c7, d7, a71 = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return 0;
    const bool osxsave = has(c, 27), avx = has(c, 28), fma = has(c, 12);
    if (!osxsave || !avx || !__get_cpuid_count(7, 0, &a, &b7, &c7, &d7))
        return 0;
    if (a >= 1)
        __get_cpuid_count(7, 1, &a71, &b, &c, &d);
    const uint64_t state = xcr0();
    if ((state & kXcr0Avx) != kXcr0Avx || !fma || !has(b7, 5))
        return 0;
    int32_t features = CRN_AVX2;
    const bool avx512 = has(b7, 16) && has(b7, 17) && has(b7, 28) && has(b7, 30) && has(b7, 31);
    if (!avx512 || (state & kXcr0Avx512) != kXcr0Avx512)
        return features;
    features |= CRN_AVX512;
    const bool vnni = has(c7, 11), bf16 = has(a71, 5);
    if (!vnni || !bf16)
        return features;
    features |= CRN_AVX512_BF16;
    const bool amx = has(d7, 24) && has(d7, 22);
    if (amx && (state & kXcr0Tiles) == kXcr0Tiles
        && syscall(SYS_arch_prctl, kArchReqXcompPerm, kXfeatureXtiledata) == 0)
        features |= CRN_AMX_BF16;
    return features;
}

}  // namespace

const char* crn_version(void) { return "1-" CRN_SOURCE_CHECKSUM; }

int32_t crn_features(void) {
    // Asking twice gives the same answer, so a race is harmless.
    static int32_t known = -1;
    int32_t features = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (features < 0) {
        features = probe();
        __atomic_store_n(&known, features, __ATOMIC_RELAXED);
    }
    return features;
}
