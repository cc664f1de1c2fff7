#include "bottleneck/bottleneck.h"
#include "tile/panels.h"

namespace crn::bottleneck {

// What a band's input and buffers may take of the L2 cache: of one of 1 MiB, and of one of 2 MiB that processors with AMX have.
constexpr int64_t kBandBytes = 640 << 10;
constexpr int64_t kAmxBandBytes = 1280 << 10;

// Threads work on bands together where alone they would compute more than this share of the first convolution's rows twice.
constexpr int64_t kMostHaloShare = 16;

// Planes an odd number of cache lines apart do not meet in the same few sets of the caches.
static int64_t plane_bytes(int64_t positions) { return (positions | 1) * kRowBytes; }

Blocking::Blocking(const crn_bottleneck_problem& problem) {
    h1 = (problem.h - 1) / problem.outer_stride + 1;
    w1 = (problem.w - 1) / problem.outer_stride + 1;
    stride = problem.inner_stride;
    p = (h1 - 1) / stride + 1;
    q = (w1 - 1) / stride + 1;
    threads = problem.threads;
    halo = 3 - stride;
    in_blocks = problem.c / kChannels;
    mid_blocks = problem.m / kChannels;
    out_blocks = problem.k / kFilters;

    // Shares of rows begin inside an image wherever the images do not divide evenly.
    int64_t cuts = 0;
    for (int64_t thread = 1; thread < threads; thread++)
        cuts += problem.n * p * thread / threads % p != 0;
    shared = cuts * halo * kMostHaloShare > problem.n * h1 || problem.n * p < threads;

    gathers = !(problem.features & CRN_AMX_BF16);
    const int64_t budget = gathers ? kBandBytes : kAmxBandBytes;
    const auto bytes = [&](int64_t images, int64_t rows) {
        const int64_t x_rows = v1_rows(rows) < h1 ? v1_rows(rows) : h1;
        x_plane = plane_bytes(images * x_rows * w1);
        v1_plane = plane_bytes(images * v1_rows(rows) * v1_width() + 1);
        v2_plane = plane_bytes(images * rows * q);
        return in_blocks * x_plane + v1_bytes() + v2_bytes();
    };
    const int64_t most_images = shared ? problem.n : ceil_div(problem.n, threads);
    band_images = 1;
    while (band_images < most_images && bytes(band_images + 1, p) <= budget)
        band_images++;
    band_images = ceil_div(most_images, ceil_div(most_images, band_images));
    band_rows = p;
    while (band_rows > 1 && bytes(1, band_rows) > budget)
        band_rows--;
    band_rows = ceil_div(p, ceil_div(p, band_rows));
    bytes(band_images, band_rows);
}

}  // namespace crn::bottleneck

using namespace crn::bottleneck;

int64_t crn_bottleneck_packed_bytes(const crn_bottleneck_problem* problem) { return Blocking(*problem).packed_bytes(); }

int64_t crn_bottleneck_workspace_bytes(const crn_bottleneck_problem* problem) { return Blocking(*problem).workspace_bytes(); }

void crn_bottleneck_pack(const crn_bottleneck_problem* problem, const float* const* filters, void* packed) {
    const Blocking cut(*problem);
    const int64_t threads = problem->threads, m = problem->m;
    char* to = static_cast<char*>(packed);
    crn::tile::pack_panels(filters[0], m, 1, problem->c, false, threads, to);
    to += cut.filter_bytes(0);
    crn::tile::pack_panels(filters[1], m, 9, m, false, threads, to);
    to += cut.filter_bytes(1);
    crn::tile::pack_panels(filters[2], problem->k, 1, m, false, threads, to);
}

void crn_bottleneck_run(const crn_bottleneck_problem* problem, const uint16_t* x, const void* packed,
                        const float* const* biases, const uint16_t* other, int32_t relu, uint16_t* y, void* workspace) {
    const auto run = problem->features & CRN_AMX_BF16 ? run_amx : run_bf16;
    run(*problem, {x, static_cast<const char*>(packed), biases, other, relu != 0, y, static_cast<char*>(workspace)});
}
