// One entry for each instruction set.
#pragma once

#include "cudnnresnet_cpu.h"
#include "tile/tile.h"

namespace crn::direct {

// How a problem is cut. A unit is what a band consists of: one position of y where the filter is 1x1, a row of y where it is
// larger. Either every thread takes its units, band after band, through all panels of filters, or, where units are few, all
// threads bring one band of everything into place and share out the panels.
struct Blocking {
    explicit Blocking(const crn_direct_problem& p);

    bool is_pointwise, by_panels;
    int64_t p_extent, q_extent;
    int64_t units, unit_outputs;   // outputs of a unit
    int64_t in_blocks, panels, taps;
    int64_t width;                 // of a row of positions, with its padding
    int64_t band_units;
    int64_t plane_bytes;           // of a band
    int64_t threads;

    int64_t unit_begin(int64_t slice) const { return units * slice / threads; }
    int64_t panel_begin(int64_t slice) const { return panels * slice / threads; }
    int64_t planes_bytes() const { return plane_bytes * in_blocks; }
    int64_t packed_bytes() const { return panels * tile::panel_bytes(in_blocks * tile::kChannels, taps); }
    int64_t statistics_bytes() const { return panels * tile::kFilters * 2 * int64_t(sizeof(double)); }
    int64_t workspace_bytes() const { return (by_panels ? 1 : threads) * planes_bytes() + threads * statistics_bytes(); }
};

void run_bf16(const crn_direct_problem& p, const crn_direct_operands& at, char* workspace);
void run_amx(const crn_direct_problem& p, const crn_direct_operands& at, char* workspace);

}  // namespace crn::direct
