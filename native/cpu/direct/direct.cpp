#include "direct/direct.h"
#include "tile/panels.h"

namespace crn::direct {

// What a band reads and writes stays in the L2 cache while all panels of filters pass over it.
constexpr int64_t kBandBytes = 512 << 10;
constexpr int64_t kBandRows = 112;  // of 1x1 filters
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
    const int64_t seam = is_pointwise ? 0 : (p.r - p.stride) * width;
    const auto positions = [&](int64_t count) {
        return is_pointwise ? count : count * p.stride * width + (tile::ceil_div(count - 1, p_extent) + 1) * seam;
    };
    if (by_panels) {
        band_units = units;
    } else if (is_pointwise) {
        band_units = kBandRows;
    } else {
        const int64_t most = tile::ceil_div(units, threads);
        band_units = 1;
        while (band_units < most
               && positions(band_units + 1) * p.c * 2 + (band_units + 1) * unit_outputs * p.k * 2 <= kBandBytes)
            band_units++;
    }
    // Planes begin 16 lines apart in the L1 cache: what one product reads of them does not fall into the same sets.
    plane_bytes = (tile::round_up(positions(band_units), 64) + 16) * tile::kRowBytes;
}

}  // namespace crn::direct

using namespace crn;
using crn::direct::Blocking;

int64_t crn_direct_packed_bytes(const crn_direct_problem* problem) { return Blocking(*problem).packed_bytes(); }

int64_t crn_direct_workspace_bytes(const crn_direct_problem* problem) { return Blocking(*problem).workspace_bytes(); }

void crn_direct_pack(const crn_direct_problem* problem, const float* filter, int32_t backward, uint16_t* packed) {
    tile::pack_panels(filter, problem->k, int64_t(problem->r) * problem->s, problem->c, backward != 0, problem->threads, packed);
}

void crn_direct_run(const crn_direct_problem* problem, const crn_direct_operands* operands, void* workspace) {
    const auto run = problem->features & CRN_AMX_BF16 ? direct::run_amx : direct::run_bf16;
    run(*problem, *operands, static_cast<char*>(workspace));
}
