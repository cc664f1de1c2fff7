#include "direct/direct.h"

#include <omp.h>
#include <string.h>

namespace crn::direct {

// A band of positions stays in the L2 cache while all panels of filters pass over it.
constexpr int64_t kBandBytes = 256 << 10;
// With fewer positions for each thread, sharing out the panels balances better.
constexpr int64_t kFewestPositions = 40;

Blocking::Blocking(const crn_direct_problem& p) {
    is_pointwise = p.r == 1 && p.s == 1;
    p_extent = p.p;
    q_extent = p.q;
    unit_outputs = is_pointwise ? 1 : q_extent;
    units = p.n * p_extent * q_extent / unit_outputs;
    in_blocks = p.c / tile::kChannels;
    panels = p.k / tile::kFilters;
    taps = int64_t(p.r) * p.s;
    width = p.w + 2 * p.pad;
    threads = p.threads;
    by_panels = units * unit_outputs < kFewestPositions * threads && panels >= threads;
    int64_t extent = p_extent;
    const int64_t room = kBandBytes / (in_blocks * tile::kRowBytes);
    const int64_t one = is_pointwise ? 1 : p.stride * width;
    const int64_t seam = is_pointwise ? 0 : (p.r - p.stride) * width;
    const auto needed = [&](int64_t count) { return count * one + (tile::ceil_div(count - 1, extent) + 1) * seam; };
    band_units = by_panels ? units : 1;
    if (!by_panels) {
        int64_t low = 1, high = tile::ceil_div(units, threads);
        while (low < high) {
            const int64_t middle = (low + high + 1) / 2;
            if (needed(middle) <= room) low = middle; else high = middle - 1;
        }
        band_units = low;
    }
    // Planes begin 16 lines apart in the L1 cache: what one product reads of them does not fall into the same sets.
    plane_bytes = (tile::round_up(is_pointwise ? band_units : needed(band_units), 64) + 16) * tile::kRowBytes;
}

}  // namespace crn::direct

using namespace crn;
using crn::direct::Blocking;

int64_t crn_direct_packed_bytes(const crn_direct_problem* problem) { return Blocking(*problem).packed_bytes(); }

int64_t crn_direct_workspace_bytes(const crn_direct_problem* problem) { return Blocking(*problem).workspace_bytes(); }

namespace {

// To the nearest, of two the even one; a NaN stays one.
uint16_t to_bf16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return uint16_t(bits >> 16 | 0x40);
    return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

}  // namespace

void crn_direct_pack(const crn_direct_problem* problem, const float* filter, int32_t backward, uint16_t* packed) {
    const crn_direct_problem& p = *problem;
    const Blocking cut(p);
    const int64_t units = cut.panels * cut.taps;
#pragma omp parallel for num_threads(p.threads) schedule(static)
    for (int64_t unit = 0; unit < units; unit++) {
        const int64_t panel = unit / cut.taps, tap = unit % cut.taps;
        uint16_t* to = packed + unit * cut.in_blocks * tile::kChannels * tile::kFilters;
        for (int64_t block = 0; block < cut.in_blocks; block++)
            for (int64_t half = 0; half < 2; half++)
                for (int64_t pair = 0; pair < 16; pair++)
                    for (int64_t f = 0; f < 16; f++)
                        for (int64_t i = 0; i < 2; i++) {
                            const int64_t k = panel * tile::kFilters + half * 16 + f, c = block * tile::kChannels + pair * 2 + i;
                            const int64_t at = backward ? (c * cut.taps + cut.taps - 1 - tap) * p.k + k
                                                        : (k * cut.taps + tap) * p.c + c;
                            *to++ = to_bf16(filter[at]);
                        }
    }
}

void crn_direct_run(const crn_direct_problem* problem, const crn_direct_operands* operands, void* workspace) {
    const auto run = problem->features & CRN_AMX_BF16 ? direct::run_amx : direct::run_bf16;
    run(*problem, *operands, static_cast<char*>(workspace));
}
