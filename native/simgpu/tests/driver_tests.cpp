#include <cstring>
#include <string>

#include "api.h"
#include "check.h"

using DevicePointer = unsigned long long;

Device::Device() {
    simgpu_script("reset");
    simgpu_clear();
    void* context = nullptr;
    CHECK_EQUAL(cuInit(0), 0);
    CHECK_EQUAL(cuDevicePrimaryCtxRetain(&context, 0), 0);
    CHECK_EQUAL(cuCtxPushCurrent_v2(context), 0);
}

Device::~Device() {
    void* context = nullptr;
    cuCtxPopCurrent_v2(&context);
    CHECK_EQUAL(cuDevicePrimaryCtxRelease_v2(0), 0);
    char text[200];
    if (simgpu_live(text, sizeof text) != 0) {
        std::printf("still alive: %s\n", text);
        CHECK(false);
    }
    simgpu_script("reset");
}

static bool complained(const char* of) {
    char text[500];
    for (int i = 0; simgpu_complaint(i, text, sizeof text) >= 0; ++i) {
        if (std::strstr(text, of) != nullptr) {
            return true;
        }
    }
    return false;
}

TEST(fresh_memory_is_nan) {
    Device device;
    DevicePointer memory = 0;
    CHECK_EQUAL(cuMemAlloc_v2(&memory, 64), 0);
    float values[16];
    CHECK_EQUAL(cuMemcpyDtoHAsync_v2(values, memory, 64, nullptr), 0);
    for (float value : values) {
        CHECK(std::isnan(value));
    }
    CHECK_EQUAL(cuMemFree_v2(memory), 0);
}

TEST(copies_are_bounded_and_freed_memory_is_known) {
    Device device;
    DevicePointer memory = 0;
    unsigned char host[128] = {};
    CHECK_EQUAL(cuMemAlloc_v2(&memory, 100), 0);
    CHECK_EQUAL(cuMemcpyHtoDAsync_v2(memory, host, 101, nullptr), 1);
    CHECK(complained("behind the allocation of 100 bytes"));
    CHECK_EQUAL(cuMemFree_v2(memory), 0);
    CHECK_EQUAL(cuMemcpyHtoDAsync_v2(memory, host, 100, nullptr), 1);
    CHECK(complained("freed"));
}

TEST(pinned_memory_is_read_when_the_copy_runs) {
    Device device;
    void *stream = nullptr, *pinned = nullptr;
    DevicePointer memory = 0;
    CHECK_EQUAL(cuStreamCreate(&stream, 1), 0);
    CHECK_EQUAL(cuMemHostAlloc(&pinned, 4, 0), 0);
    CHECK_EQUAL(cuMemAlloc_v2(&memory, 4), 0);
    auto* value = static_cast<int*>(pinned);
    *value = 1;
    CHECK_EQUAL(cuMemcpyHtoDAsync_v2(memory, pinned, 4, stream), 0);
    *value = 2;  // too early: the copy has not run
    int seen = 0;
    CHECK_EQUAL(cuMemcpyDtoHAsync_v2(&seen, memory, 4, stream), 0);
    CHECK_EQUAL(seen, 2);
    CHECK_EQUAL(cuMemFreeHost(pinned), 0);
    CHECK_EQUAL(cuMemFree_v2(memory), 0);
    CHECK_EQUAL(cuStreamDestroy_v2(stream), 0);
}

/// A producer in one stream, a consumer in another; returns what the consumer saw.
static int two_streams(const char* script, bool with_event) {
    Device device;
    simgpu_script(script);
    void *first = nullptr, *second = nullptr, *event = nullptr;
    DevicePointer memory = 0, copy = 0;
    cuStreamCreate(&first, 1);
    cuStreamCreate(&second, 1);
    cuEventCreate(&event, 2);
    cuMemAlloc_v2(&memory, 4);
    cuMemAlloc_v2(&copy, 4);
    cuMemsetD8Async(memory, 0, 4, first);
    cuStreamSynchronize(first);
    cuMemsetD8Async(memory, 1, 4, first);
    cuEventRecord(event, first);
    if (with_event) {
        cuStreamWaitEvent(second, event, 0);
    }
    cuMemcpyDtoDAsync_v2(copy, memory, 4, second);
    int seen = -1;
    cuMemcpyDtoHAsync_v2(&seen, copy, 4, second);
    cuMemFree_v2(memory);
    cuMemFree_v2(copy);
    cuEventDestroy_v2(event);
    cuStreamDestroy_v2(first);
    cuStreamDestroy_v2(second);
    return seen;
}

TEST(a_missing_event_shows) {
    CHECK_EQUAL(two_streams("order lazy", false), 0);
    int wrong = 0;
    for (int seed = 1; seed <= 40; ++seed) {
        const std::string script = "seed " + std::to_string(seed);
        wrong += two_streams(script.c_str(), false) != 0x01010101;
        CHECK_EQUAL(two_streams(script.c_str(), true), 0x01010101);
    }
    CHECK(wrong >= 5);
    CHECK_EQUAL(two_streams("order lazy", true), 0x01010101);
    CHECK_EQUAL(two_streams("order eager", true), 0x01010101);
}

TEST(graphs_replay_with_their_branches) {
    Device device;
    void *stream = nullptr, *side = nullptr, *fork = nullptr, *join = nullptr, *graph = nullptr, *exec = nullptr;
    DevicePointer a = 0, b = 0;
    cuStreamCreate(&stream, 1);
    cuStreamCreate(&side, 1);
    cuEventCreate(&fork, 2);
    cuEventCreate(&join, 2);
    cuMemAlloc_v2(&a, 4);
    cuMemAlloc_v2(&b, 4);
    CHECK_EQUAL(cuStreamBeginCapture_v2(stream, 0), 0);
    CHECK_EQUAL(cuMemsetD8Async(a, 7, 4, stream), 0);
    CHECK_EQUAL(cuEventRecord(fork, stream), 0);
    CHECK_EQUAL(cuStreamWaitEvent(side, fork, 0), 0);
    CHECK_EQUAL(cuMemcpyDtoDAsync_v2(b, a, 4, side), 0);
    CHECK_EQUAL(cuEventRecord(join, side), 0);
    CHECK_EQUAL(cuStreamWaitEvent(stream, join, 0), 0);
    CHECK_EQUAL(cuStreamEndCapture(stream, &graph), 0);
    CHECK_EQUAL(cuGraphInstantiateWithFlags(&exec, graph, 0), 0);
    CHECK_EQUAL(cuGraphDestroy(graph), 0);
    int seen = 0;
    for (int i = 0; i < 3; ++i) {
        CHECK_EQUAL(cuMemsetD8Async(b, 0, 4, stream), 0);
        CHECK_EQUAL(cuGraphLaunch(exec, stream), 0);
        CHECK_EQUAL(cuMemcpyDtoHAsync_v2(&seen, b, 4, stream), 0);
        CHECK_EQUAL(seen, 0x07070707);
    }
    // What joined the capture must join back.
    CHECK_EQUAL(cuStreamBeginCapture_v2(stream, 0), 0);
    CHECK_EQUAL(cuEventRecord(fork, stream), 0);
    CHECK_EQUAL(cuStreamWaitEvent(side, fork, 0), 0);
    CHECK_EQUAL(cuMemsetD8Async(b, 1, 4, side), 0);
    CHECK_EQUAL(cuStreamEndCapture(stream, &graph), 904);
    // An allocation breaks a capture.
    DevicePointer more = 0;
    CHECK_EQUAL(cuStreamBeginCapture_v2(stream, 0), 0);
    CHECK_EQUAL(cuMemAlloc_v2(&more, 4), 900);
    CHECK_EQUAL(cuStreamEndCapture(stream, &graph), 901);
    cuGraphExecDestroy(exec);
    cuMemFree_v2(a);
    cuMemFree_v2(b);
    cuEventDestroy_v2(fork);
    cuEventDestroy_v2(join);
    cuStreamDestroy_v2(stream);
    cuStreamDestroy_v2(side);
}

TEST(faults_come_when_the_script_says) {
    Device device;
    simgpu_script("fail cuMemAlloc_v2 2 2; memory 1000");
    DevicePointer a = 0, b = 0;
    CHECK_EQUAL(cuMemAlloc_v2(&a, 10), 0);
    CHECK_EQUAL(cuMemAlloc_v2(&b, 10), 2);
    CHECK_EQUAL(cuMemAlloc_v2(&b, 10), 0);
    DevicePointer c = 0;
    CHECK_EQUAL(cuMemAlloc_v2(&c, 981), 2);
    CHECK_EQUAL(cuMemAlloc_v2(&c, 980), 0);
    cuMemFree_v2(a);
    cuMemFree_v2(b);
    cuMemFree_v2(c);
}

TEST(a_leak_is_named_at_the_end_of_the_context) {
    {
        Device device;
        DevicePointer memory = 0;
        cuMemAlloc_v2(&memory, 10);
    }
    CHECK(complained("1 allocations"));
}

TEST(a_lost_context_stays_lost_until_it_is_made_again) {
    {
        Device device;
        DevicePointer memory = 0;
        CHECK_EQUAL(cuMemAlloc_v2(&memory, 4), 0);
        simgpu_script("kernel-fault 1 719");
        CHECK_EQUAL(cuMemsetD8Async(memory, 1, 4, nullptr), 0);
        CHECK_EQUAL(cuCtxSynchronize(), 719);
        CHECK_EQUAL(cuMemFree_v2(memory), 719);
        CHECK_EQUAL(cuMemAlloc_v2(&memory, 4), 719);
    }
    Device again;
    CHECK_EQUAL(cuCtxSynchronize(), 0);
}
