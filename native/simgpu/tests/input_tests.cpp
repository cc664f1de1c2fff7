// nvJPEG and NPP: what they refuse and with which status, and NPP's resize against numbers worked out by hand.
#include <cstring>

#include "api.h"
#include "check.h"

extern "C" {

struct NppiSize {
    int width, height;
};
struct NppiRect {
    int x, y, width, height;
};
struct NppStreamContext {
    void* stream;
    int device, multiprocessors, threads_per_multiprocessor, threads_per_block;
    std::size_t shared_bytes;
    int compute_major, compute_minor;
    unsigned flags;
    int reserved;
};
int nppiResize_8u_C3R_Ctx(const void*, int, NppiSize, NppiRect, void*, int, NppiSize, NppiRect, int, NppStreamContext);

struct nvjpegImage {
    void* channel[4];
    std::size_t pitch[4];
};
int nvjpegCreateEx(int, void*, void*, unsigned, void**);
int nvjpegDestroy(void*);
int nvjpegJpegStateCreate(void*, void**);
int nvjpegJpegStateDestroy(void*);
int nvjpegDecode(void*, void*, const unsigned char*, std::size_t, int, const nvjpegImage*, void*);
int nvjpegDecodeBatchedInitialize(void*, void*, int, int, int);
int nvjpegDecodeBatched(void*, void*, const unsigned char* const*, const std::size_t*, const nvjpegImage*, void*);
}

namespace {

constexpr int kRgbInterleaved = 5, kLinear = 2;

NppStreamContext context_of(void* stream) {
    return {stream, 0, 132, 2048, 1024, 49152, 9, 0, 1, 0};
}

void* pointer(unsigned long long address) {
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(address));
}

}  // namespace

TEST(npp_resizes_between_the_nearest_pixels) {
    Device device;
    unsigned long long from = 0, to = 0;
    CHECK_EQUAL(cuMemAlloc_v2(&from, 6), 0);
    CHECK_EQUAL(cuMemAlloc_v2(&to, 24), 0);
    const unsigned char pixels[6] = {0, 10, 20, 100, 50, 20};
    CHECK_EQUAL(cuMemcpyHtoDAsync_v2(from, pixels, 6, nullptr), 0);
    const NppiRect all{0, 0, 2, 1}, wide{0, 0, 4, 2};
    CHECK_EQUAL(nppiResize_8u_C3R_Ctx(pointer(from), 6, {2, 1}, all, pointer(to), 12, {4, 2}, wide, kLinear, context_of(nullptr)), 0);
    unsigned char scaled[24];
    CHECK_EQUAL(cuMemcpyDtoHAsync_v2(scaled, to, 24, nullptr), 0);
    // Centres of the four columns lie at -0.25, 0.25, 0.75 and 1.25 of the two.
    const unsigned char expected[12] = {0, 10, 20, 25, 20, 20, 75, 40, 20, 100, 50, 20};
    CHECK(std::memcmp(scaled, expected, 12) == 0);
    CHECK(std::memcmp(scaled + 12, expected, 12) == 0);

    CHECK_EQUAL(nppiResize_8u_C3R_Ctx(nullptr, 6, {2, 1}, all, pointer(to), 12, {4, 2}, wide, kLinear, context_of(nullptr)), -8);
    CHECK_EQUAL(nppiResize_8u_C3R_Ctx(pointer(from), 5, {2, 1}, all, pointer(to), 12, {4, 2}, wide, kLinear, context_of(nullptr)), -14);
    CHECK_EQUAL(nppiResize_8u_C3R_Ctx(pointer(from), 6, {2, 1}, {1, 0, 2, 1}, pointer(to), 12, {4, 2}, wide, kLinear, context_of(nullptr)), -6);
    CHECK_EQUAL(nppiResize_8u_C3R_Ctx(pointer(from), 6, {2, 1}, all, pointer(to), 12, {4, 2}, wide, 99, context_of(nullptr)), -22);
    // One row more than the memory holds.
    CHECK_EQUAL(nppiResize_8u_C3R_Ctx(pointer(from), 6, {2, 1}, all, pointer(to), 12, {4, 3}, {0, 0, 4, 3}, kLinear, context_of(nullptr)), -1000);
    CHECK_EQUAL(cuMemFree_v2(from), 0);
    CHECK_EQUAL(cuMemFree_v2(to), 0);
}

TEST(nvjpeg_refuses_what_is_no_jpeg_and_what_was_not_initialized) {
    Device device;
    void *handle = nullptr, *state = nullptr;
    if (nvjpegCreateEx(3, nullptr, nullptr, 0, &handle) != 0) {
        std::printf("nvJPEG: libjpeg-turbo is not here, nothing to test\n");
        return;
    }
    CHECK_EQUAL(nvjpegJpegStateCreate(handle, &state), 0);
    CHECK_EQUAL(nvjpegDestroy(handle), 2);  // its state is alive
    unsigned long long memory = 0;
    CHECK_EQUAL(cuMemAlloc_v2(&memory, 64), 0);
    const unsigned char bytes[16] = {0xff, 0xd8, 0xff, 1, 2, 3};
    const unsigned char* files[1] = {bytes};
    const std::size_t lengths[1] = {sizeof bytes};
    const nvjpegImage image = {{pointer(memory)}, {24}};
    CHECK_EQUAL(nvjpegDecode(handle, state, bytes, sizeof bytes, kRgbInterleaved, &image, nullptr), 3);
    CHECK_EQUAL(nvjpegDecodeBatched(handle, state, files, lengths, &image, nullptr), 2);
    CHECK_EQUAL(nvjpegDecodeBatchedInitialize(handle, state, 1, 1, kRgbInterleaved), 0);
    CHECK_EQUAL(nvjpegDecodeBatched(handle, state, files, lengths, &image, nullptr), 3);
    CHECK_EQUAL(nvjpegDecodeBatched(handle, state, files, lengths, &image, nullptr), 2);  // to be initialized again
    CHECK_EQUAL(cuMemFree_v2(memory), 0);
    CHECK_EQUAL(nvjpegJpegStateDestroy(state), 0);
    CHECK_EQUAL(nvjpegDestroy(handle), 0);
    simgpu_script("compute-capability 75");
    CHECK_EQUAL(nvjpegCreateEx(3, nullptr, nullptr, 0, &handle), 7);  // no hardware decoder
}
