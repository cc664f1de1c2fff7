// Convolutions through the backend API against plain loops in double.
#include <cstring>
#include <random>
#include <string>

#include "api.h"
#include "check.h"

namespace {

struct Case {
    std::int64_t n, c, h, w, k, r, stride, pad;
};

class Descriptor {
public:
    explicit Descriptor(int type) { CHECK_EQUAL(cudnnBackendCreateDescriptor(type, &handle_), 0); }
    ~Descriptor() { cudnnBackendDestroyDescriptor(handle_); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    template <typename T>
    int set(int attribute, int type, std::vector<T> values) {
        return cudnnBackendSetAttribute(handle_, attribute, type, static_cast<std::int64_t>(values.size()), values.data());
    }
    int set(int attribute, const Descriptor& other) {
        return cudnnBackendSetAttribute(handle_, attribute, 15, 1, &other.handle_);
    }
    int finalize() { return cudnnBackendFinalize(handle_); }
    void* handle() const { return handle_; }

private:
    void* handle_ = nullptr;
};

using Wide = std::vector<std::int64_t>;

void make_tensor(Descriptor& tensor, std::int64_t uid, int type, Wide dims) {
    const Wide strides = {dims[1] * dims[2] * dims[3], 1, dims[1] * dims[3], dims[1]};
    CHECK_EQUAL(tensor.set(901, 1, std::vector<int>{type}), 0);
    CHECK_EQUAL(tensor.set(902, 3, dims), 0);
    CHECK_EQUAL(tensor.set(903, 3, strides), 0);
    CHECK_EQUAL(tensor.set(906, 3, Wide{uid}), 0);
    CHECK_EQUAL(tensor.set(900, 3, Wide{4}), 0);
    CHECK_EQUAL(tensor.finalize(), 0);
}

/// y (or dx, or dw) in double. kind 10 forward, 12 dgrad, 11 wgrad.
std::vector<double> truth(const Case& s, int kind, const std::vector<float>& x, const std::vector<float>& w,
                          const std::vector<float>& y) {
    const std::int64_t p = (s.h + 2 * s.pad - s.r) / s.stride + 1, q = (s.w + 2 * s.pad - s.r) / s.stride + 1;
    std::vector<double> result(kind == 10 ? y.size() : kind == 12 ? x.size() : w.size());
    for (std::int64_t n = 0; n < s.n; ++n)
        for (std::int64_t i = 0; i < p; ++i)
            for (std::int64_t j = 0; j < q; ++j)
                for (std::int64_t k = 0; k < s.k; ++k)
                    for (std::int64_t r = 0; r < s.r; ++r)
                        for (std::int64_t t = 0; t < s.r; ++t) {
                            const std::int64_t h = i * s.stride - s.pad + r, v = j * s.stride - s.pad + t;
                            if (h < 0 || h >= s.h || v < 0 || v >= s.w) continue;
                            for (std::int64_t c = 0; c < s.c; ++c) {
                                const auto xi = static_cast<std::size_t>(((n * s.h + h) * s.w + v) * s.c + c);
                                const auto wi = static_cast<std::size_t>(((k * s.r + r) * s.r + t) * s.c + c);
                                const auto yi = static_cast<std::size_t>(((n * p + i) * q + j) * s.k + k);
                                if (kind == 10) result[yi] += double{x[xi]} * w[wi];
                                else if (kind == 12) result[xi] += double{y[yi]} * w[wi];
                                else result[wi] += double{x[xi]} * y[yi];
                            }
                        }
    return result;
}

void run(const Case& s, int kind, int heuristics_mode) {
    const std::int64_t p = (s.h + 2 * s.pad - s.r) / s.stride + 1, q = (s.w + 2 * s.pad - s.r) / s.stride + 1;
    std::mt19937 random(7);
    std::uniform_real_distribution<float> uniform(-1, 1);
    const auto fill = [&](std::int64_t count) {
        std::vector<float> values(static_cast<std::size_t>(count));
        for (float& value : values) {
            value = uniform(random);
        }
        return values;
    };
    const std::vector<float> host[3] = {fill(s.n * s.c * s.h * s.w), fill(s.k * s.c * s.r * s.r), fill(s.n * s.k * p * q)};
    unsigned long long memory[3];
    for (int i = 0; i < 3; ++i) {
        CHECK_EQUAL(cuMemAlloc_v2(&memory[i], host[i].size() * 4), 0);
        CHECK_EQUAL(cuMemcpyHtoDAsync_v2(memory[i], host[i].data(), host[i].size() * 4, nullptr), 0);
    }
    const int output = kind == 10 ? 2 : kind == 12 ? 0 : 1;
    CHECK_EQUAL(cuMemsetD8Async(memory[output], 255, host[output].size() * 4, nullptr), 0);
    void* handle = nullptr;
    CHECK_EQUAL(cudnnCreate(&handle), 0);
    {
        Descriptor x(17), w(17), y(17), convolution(1), operation(kind), graph(15), heuristics(4);
        make_tensor(x, 1, 0, {s.n, s.c, s.h, s.w});
        make_tensor(w, 2, 0, {s.k, s.c, s.r, s.r});
        make_tensor(y, 3, 0, {s.n, s.k, p, q});
        CHECK_EQUAL(convolution.set(100, 1, std::vector<int>{0}), 0);
        CHECK_EQUAL(convolution.set(101, 7, std::vector<int>{1}), 0);
        CHECK_EQUAL(convolution.set(102, 3, Wide{1, 1}), 0);
        CHECK_EQUAL(convolution.set(103, 3, Wide{s.stride, s.stride}), 0);
        CHECK_EQUAL(convolution.set(104, 3, Wide{s.pad, s.pad}), 0);
        CHECK_EQUAL(convolution.set(105, 3, Wide{s.pad, s.pad}), 0);
        CHECK_EQUAL(convolution.set(106, 3, Wide{2}), 0);
        CHECK_EQUAL(convolution.finalize(), 0);
        const int base = kind == 10 ? 700 : kind == 12 ? 706 : 712;
        CHECK_EQUAL(operation.set(base, 4, std::vector<float>{1}), 0);
        CHECK_EQUAL(operation.set(base + 1, 4, std::vector<float>{0}), 0);
        CHECK_EQUAL(operation.set(base + 2, convolution), 0);
        CHECK_EQUAL(operation.set(kind == 11 ? 715 : base + 3, w), 0);
        CHECK_EQUAL(operation.set(kind == 11 ? 716 : base + 4, x), 0);
        CHECK_EQUAL(operation.set(base + 5, y), 0);
        CHECK_EQUAL(operation.finalize(), 0);
        CHECK_EQUAL(graph.set(801, operation), 0);
        CHECK_EQUAL(graph.set(800, 0, std::vector<void*>{handle}), 0);
        CHECK_EQUAL(graph.finalize(), 0);
        CHECK_EQUAL(heuristics.set(201, graph), 0);
        CHECK_EQUAL(heuristics.set(200, 8, std::vector<int>{heuristics_mode}), 0);
        CHECK_EQUAL(heuristics.finalize(), 0);
        std::int64_t count = 0;
        CHECK_EQUAL(cudnnBackendGetAttribute(heuristics.handle(), 202, 15, 0, &count, nullptr), 0);
        CHECK(count >= 2);
        int accepted = 0;
        const auto expected = truth(s, kind, host[0], host[1], host[2]);
        for (std::int64_t i = 0; i < count; ++i) {
            std::vector<void*> configs(static_cast<std::size_t>(count));
            for (void*& config : configs) {
                cudnnBackendCreateDescriptor(3, &config);
            }
            CHECK_EQUAL(cudnnBackendGetAttribute(heuristics.handle(), 202, 15, count, &count, configs.data()), 0);
            Descriptor engine(2), plan(5), pack(16);
            void* engine_handle = engine.handle();
            CHECK_EQUAL(cudnnBackendGetAttribute(configs[static_cast<std::size_t>(i)], 300, 15, 1, nullptr, &engine_handle), 0);
            int notes[16];
            std::int64_t note_count = 0;
            CHECK_EQUAL(cudnnBackendGetAttribute(engine.handle(), 1303, 11, 16, &note_count, notes), 0);
            bool tf32 = false;
            for (std::int64_t note = 0; note < note_count; ++note) {
                tf32 |= notes[note] == 1;
            }
            CHECK_EQUAL(cudnnBackendSetAttribute(plan.handle(), 401, 15, 1, &configs[static_cast<std::size_t>(i)]), 0);
            CHECK_EQUAL(plan.set(400, 0, std::vector<void*>{handle}), 0);
            const int finalized = plan.finalize();
            if (finalized != 0) {  // the runtime fusion engines refuse many of these shapes
                CHECK_EQUAL(finalized / 1000, 3);
                for (void* config : configs) {
                    cudnnBackendDestroyDescriptor(config);
                }
                continue;
            }
            ++accepted;
            std::int64_t bytes = 0;
            CHECK_EQUAL(cudnnBackendGetAttribute(plan.handle(), 402, 3, 1, nullptr, &bytes), 0);
            unsigned long long workspace = 0;
            if (bytes > 0) {
                CHECK_EQUAL(cuMemAlloc_v2(&workspace, static_cast<std::size_t>(bytes)), 0);
            }
            CHECK_EQUAL(pack.set(1000, 3, Wide{1, 2, 3}), 0);
            CHECK_EQUAL(pack.set(1001, 6, std::vector<unsigned long long>{memory[0], memory[1], memory[2]}), 0);
            CHECK_EQUAL(pack.set(1003, 6, std::vector<unsigned long long>{workspace}), 0);
            CHECK_EQUAL(pack.finalize(), 0);
            CHECK_EQUAL(cudnnBackendExecute(handle, plan.handle(), pack.handle()), 0);
            std::vector<float> result(host[output].size());
            CHECK_EQUAL(cuMemcpyDtoHAsync_v2(result.data(), memory[output], result.size() * 4, nullptr), 0);
            double worst = 0;
            for (std::size_t j = 0; j < result.size(); ++j) {
                const double error = std::fabs(result[j] - expected[j]);
                worst = error <= worst ? worst : error;
            }
            // Terms are below 1: float sums err by less than terms * 2^-24, TF32 operands by 2^-10 of each term.
            const double terms = kind == 10 ? static_cast<double>(s.c * s.r * s.r)
                : kind == 12 ? static_cast<double>(s.k * s.r * s.r) : static_cast<double>(s.n * p * q);
            CHECK(worst <= terms * (tf32 ? 1.0 / 1024 : 1.0 / (1 << 22)));
            CHECK(!tf32 || worst > 0 || terms < 4);
            if (workspace != 0) {
                cuMemFree_v2(workspace);
            }
            for (void* config : configs) {
                cudnnBackendDestroyDescriptor(config);
            }
        }
        CHECK(accepted >= 2);
    }
    CHECK_EQUAL(cudnnDestroy(handle), 0);
    for (auto pointer : memory) {
        cuMemFree_v2(pointer);
    }
}

}  // namespace

TEST(convolutions_agree_with_plain_loops) {
    Device device;
    const Case cases[] = {{2, 3, 9, 7, 5, 3, 2, 1}, {1, 65, 6, 6, 7, 1, 1, 0}, {3, 8, 1, 1, 16, 1, 1, 0},
                          {2, 7, 12, 10, 33, 5, 1, 2}, {1, 1, 8, 8, 1, 7, 2, 3}, {2, 32, 10, 10, 40, 1, 2, 0}};
    for (const Case& shape : cases) {
        for (int kind : {10, 11, 12}) {
            run(shape, kind, kind == 10 ? 3 : kind == 11 ? 1 : 2);
        }
    }
}
