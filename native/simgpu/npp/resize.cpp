// The simulated NPP: one resize of interleaved RGB bytes, bilinear between the four nearest pixels and without antialiasing.
// Where a pixel's centre lies is not documented: half a pixel from its edge here.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "../core/call.h"
#include "../core/memory.h"
#include "../core/streams.h"

using namespace simgpu;

namespace {

enum Status : int { kOk = 0, kNoOperation = -201, kKernelFailed = -1000, kInterpolation = -22, kStep = -14, kNullPointer = -8, kSizeWrong = -6 };

constexpr int kLinear = 2;
constexpr int kColours = 3;

struct Size {  // NppiSize
    int width, height;
};

struct Rectangle {  // NppiRect
    int x, y, width, height;

    bool lies_in(Size size) const {
        return x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= size.width && y + height <= size.height;
    }
};

struct StreamContext {  // NppStreamContext
    void* stream;
    int device, multiprocessors, threads_per_multiprocessor, threads_per_block;
    std::size_t shared_bytes;
    int compute_major, compute_minor;
    unsigned flags;
    int reserved;
};
static_assert(sizeof(StreamContext) == 48);

struct Plane {
    unsigned char* start;
    int step;
    Rectangle part;

    unsigned char* at(int x, int y) const {
        return start + static_cast<std::ptrdiff_t>(part.y + y) * step + (part.x + x) * kColours;
    }

    std::string check() const {
        std::string wrong = check_access(at(0, 0), static_cast<std::size_t>(part.width) * kColours);
        return wrong.empty() ? check_access(at(0, part.height - 1), static_cast<std::size_t>(part.width) * kColours) : wrong;
    }
};

struct Between {
    int first, second;
    float share;  // of the second
};

Between between(int at, int from, int to) {
    const float place = (static_cast<float>(at) + 0.5f) * static_cast<float>(from) / static_cast<float>(to) - 0.5f;
    const float floor = std::floor(place);
    const int first = static_cast<int>(floor);
    return {std::clamp(first, 0, from - 1), std::clamp(first + 1, 0, from - 1), place - floor};
}

void resize(const Plane& source, const Plane& target) {
    for (int y = 0; y < target.part.height; y++) {
        const Between row = between(y, source.part.height, target.part.height);
        for (int x = 0; x < target.part.width; x++) {
            const Between column = between(x, source.part.width, target.part.width);
            for (int c = 0; c < kColours; c++) {
                const auto along = [&](int line) {
                    const float left = source.at(column.first, line)[c], right = source.at(column.second, line)[c];
                    return left + (right - left) * column.share;
                };
                const float upper = along(row.first);
                target.at(x, y)[c] = static_cast<unsigned char>(upper + (along(row.second) - upper) * row.share + 0.5f);
            }
        }
    }
}

}  // namespace

#define NPP_REQUIRE(condition, status, ...) \
    if (!(condition)) {                     \
        ::simgpu::complain(__VA_ARGS__);    \
        return status;                      \
    }

SIM_EXPORT int nppiResize_8u_C3R_Ctx(const unsigned char* source, int source_step, Size source_size, Rectangle source_part,
                                     unsigned char* target, int target_step, Size target_size, Rectangle target_part,
                                     int interpolation, StreamContext context) {
    SIM_CALL(int, nppiResize_8u_C3R_Ctx)
    NPP_REQUIRE(source != nullptr && target != nullptr, kNullPointer, "a null pointer")
    NPP_REQUIRE(source_part.lies_in(source_size) && target_part.lies_in(target_size), kSizeWrong, "a part outside of its image")
    NPP_REQUIRE(source_step >= source_size.width * kColours && target_step >= target_size.width * kColours, kStep, "steps of %d and %d bytes",
                source_step, target_step)
    NPP_REQUIRE(interpolation == kLinear, kInterpolation, "interpolation %d is not simulated", interpolation)
    NPP_REQUIRE(context.compute_major * 10 + context.compute_minor == settings().compute_capability && context.multiprocessors > 0 &&
                    context.threads_per_multiprocessor > 0 && context.threads_per_block > 0 && context.shared_bytes > 0,
                kKernelFailed, "the stream's context is not filled in")
    Stream* const stream = resolve_stream(context.stream);
    NPP_REQUIRE(stream != nullptr, kKernelFailed, "%p is no live stream", context.stream)
    const Plane from{const_cast<unsigned char*>(source), source_step, source_part}, to{target, target_step, target_part};
    for (const Plane* plane : {&from, &to}) {
        const std::string wrong = plane->check();
        NPP_REQUIRE(wrong.empty(), kKernelFailed, "%s", wrong.c_str())
    }
    const int status = enqueue(stream, "nppiResize_8u_C3R_Ctx", [from, to] {
        for (const Plane* plane : {&from, &to}) {
            const std::string wrong = plane->check();
            if (!wrong.empty()) {
                throw DeviceFault{kIllegalAddress, wrong};
            }
        }
        resize(from, to);
    });
    return status == 0 ? kOk : kKernelFailed;
}
