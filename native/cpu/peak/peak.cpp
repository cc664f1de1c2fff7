// What the machine can do at most: the two limits of a roofline.
#include "peak/peak.h"

#include <omp.h>

#include "cudnnresnet_cpu.h"

namespace {

constexpr int kTries = 25;
constexpr double kSeconds = 0.01;

// The most of several tries, all threads together: whatever disturbs a try makes it slower.
template <class Work>
double best_rate(int32_t threads, double work_of_a_thread, Work work) {
    double best = 0;
    for (int i = 0; i < kTries; i++) {
        double begin = 0;
        int granted = 1;  // may be fewer than were asked for
#pragma omp parallel num_threads(threads)
        {
#pragma omp barrier
#pragma omp master
            {
                granted = omp_get_num_threads();
                begin = omp_get_wtime();
            }
#pragma omp barrier
            work(omp_get_thread_num());
        }
        const double seconds = omp_get_wtime() - begin, rate = granted * work_of_a_thread / seconds;
        if (rate > best) best = rate;
    }
    return best;
}

}  // namespace

double crn_peak_operations(int32_t threads, int32_t features, int32_t bf16) {
    using namespace crn::peak;
    const bool wide = features & CRN_AVX512, half = bf16 && (features & CRN_AVX512_BF16);
    const auto run = half ? run_bf16 : wide ? run_avx512 : run_avx2;
    const int64_t operations = half ? kBf16Operations : wide ? kAvx512Operations : kAvx2Operations;
    volatile float sink = 0;
    int64_t rounds = 1 << 16;
    double begin = omp_get_wtime();
    sink = run(rounds);
    rounds = int64_t(rounds * (kSeconds / (omp_get_wtime() - begin))) + 1;
    return best_rate(threads, double(rounds) * operations, [&](int) { sink = run(rounds); });
}

double crn_peak_bandwidth(int32_t threads, const void* memory, int64_t bytes) {
    const int64_t words = bytes / threads / int64_t(sizeof(uint64_t));
    return best_rate(threads, double(words) * sizeof(uint64_t), [&](int thread) {
        const uint64_t* from = static_cast<const uint64_t*>(memory) + thread * words;
        uint64_t sum[8] = {};
        for (int64_t i = 0; i + 8 <= words; i += 8)
            for (int j = 0; j < 8; j++)
                sum[j] += from[i + j];
        volatile uint64_t sink = sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7];
        (void)sink;
    });
}
