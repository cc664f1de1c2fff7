// The simulated nvJPEG: bitstreams are read when a call is made, pixels are written when the stream comes to them. The
// hardware backend takes baseline images alone, as its documentation says.
#include <cstring>
#include <memory>
#include <unordered_set>
#include <vector>

#include "../core/call.h"
#include "../core/memory.h"
#include "../core/streams.h"
#include "jpeg.h"

using namespace simgpu;

namespace {

enum Status : int {
    kOk = 0, kUninitialized = 1, kInvalid = 2, kBadJpeg = 3, kUnsupportedJpeg = 4, kAllocatorFailure = 5, kFailed = 6,
    kArchMismatch = 7, kNotImplemented = 9, kIncomplete = 10,
};

constexpr int kBackendHardware = 3, kMostBackends = 6;
constexpr int kRgbInterleaved = 5;
/// Ampere's GA100 is the first with a hardware decoder.
constexpr int kOldestWithHardware = 80;

struct Handle {
    Context* context;
    int backend;
};

struct State {
    const Handle* handle;
    int batch = 0;  // 0 before nvjpegDecodeBatchedInitialize
    int format = 0;
};

struct Image {  // nvjpegImage_t
    unsigned char* channel[4];
    std::size_t pitch[4];
};
static_assert(sizeof(Image) == 64);

template <typename T>
std::unordered_set<const T*>& all() {
    static auto* objects = new std::unordered_set<const T*>;
    return *objects;
}

template <typename T>
bool alive(const T* object) {
    return all<T>().count(object) != 0;
}

#define NVJPEG_REQUIRE(condition, status, ...) \
    if (!(condition)) {                        \
        ::simgpu::complain(__VA_ARGS__);       \
        return status;                         \
    }

int check(const Handle* handle, const State* state) {
    NVJPEG_REQUIRE(alive(handle), kInvalid, "%p is no live handle", static_cast<const void*>(handle))
    NVJPEG_REQUIRE(alive(state) && state->handle == handle, kInvalid, "%p is no live state of the handle",
                   static_cast<const void*>(state))
    return kOk;
}

/// What a device would find wrong with a destination, when a call is made and again when its work runs.
std::string check_rows(const Image& destination, const JpegHeader& header) {
    for (int y : {0, header.height - 1}) {
        std::string wrong = check_access(destination.channel[0] + y * destination.pitch[0], 3 * static_cast<std::size_t>(header.width));
        if (!wrong.empty()) {
            return wrong;
        }
    }
    return {};
}

struct Picture {
    JpegHeader header;
    std::vector<unsigned char> rgb;
};

/// Reads one bitstream; kOk, or the status that nvJPEG documents for what is wrong with it.
int read(const Handle* handle, const unsigned char* data, std::size_t bytes, const Image& destination, Picture& picture) {
    NVJPEG_REQUIRE(data != nullptr && bytes > 0 && destination.channel[0] != nullptr, kInvalid, "an empty image")
    if (!read_header(data, bytes, picture.header)) {
        return kBadJpeg;
    }
    if (picture.header.has_four_components || (handle->backend == kBackendHardware && picture.header.is_progressive)) {
        return kUnsupportedJpeg;
    }
    const std::size_t row = 3 * static_cast<std::size_t>(picture.header.width);
    NVJPEG_REQUIRE(destination.pitch[0] >= row, kInvalid, "a pitch of %zu bytes for rows of %zu", destination.pitch[0], row)
    const std::string wrong = check_rows(destination, picture.header);
    NVJPEG_REQUIRE(wrong.empty(), kInvalid, "destination: %s", wrong.c_str())
    switch (decode(data, bytes, picture.header, picture.rgb)) {
        case Decoded::whole: return kOk;
        case Decoded::truncated: return kIncomplete;
        default: return kBadJpeg;
    }
}

int write(const char* name, std::vector<Picture> pictures, std::vector<Image> destinations, Stream* stream) {
    const auto work = std::make_shared<std::pair<std::vector<Picture>, std::vector<Image>>>(std::move(pictures), std::move(destinations));
    const int status = enqueue(stream, name, [work] {
        for (std::size_t i = 0; i < work->first.size(); i++) {
            const Picture& picture = work->first[i];
            const Image& destination = work->second[i];
            const std::string wrong = check_rows(destination, picture.header);
            if (!wrong.empty()) {
                throw DeviceFault{kIllegalAddress, "destination: " + wrong};
            }
            const std::size_t row = 3 * static_cast<std::size_t>(picture.header.width);
            for (int y = 0; y < picture.header.height; y++) {
                std::memcpy(destination.channel[0] + y * destination.pitch[0], picture.rgb.data() + y * row, row);
            }
        }
    });
    return status == 0 ? kOk : kFailed;
}

}  // namespace

SIM_EXPORT int nvjpegGetProperty(int type, int* value) {
    SIM_CALL(int, nvjpegGetProperty)
    static const int version[] = {12, 3, 3};
    NVJPEG_REQUIRE(type >= 0 && type <= 2 && value != nullptr, kInvalid, "property %d", type)
    *value = version[type];
    return kOk;
}

SIM_EXPORT int nvjpegCreateEx(int backend, void* device_allocator, void* pinned_allocator, unsigned, Handle** handle) {
    SIM_CALL(int, nvjpegCreateEx)
    NVJPEG_REQUIRE(handle != nullptr && backend >= 0 && backend <= kMostBackends, kInvalid, "backend %d", backend)
    NVJPEG_REQUIRE(device_allocator == nullptr && pinned_allocator == nullptr, kInvalid, "allocators are not simulated")
    Context* context = current_context();
    NVJPEG_REQUIRE(context != nullptr, kUninitialized, "no context is current")
    if (context->sticky != 0) {
        return kFailed;
    }
    if (!can_decode_jpegs()) {
        refuse("libturbojpeg.so.0 is not on this machine");
        return kNotImplemented;
    }
    if (backend == kBackendHardware && settings().compute_capability < kOldestWithHardware) {
        return kArchMismatch;
    }
    *handle = new Handle{context, backend};
    all<Handle>().insert(*handle);
    count_live("nvjpeg.handle", 1);
    return kOk;
}

SIM_EXPORT int nvjpegDestroy(Handle* handle) {
    SIM_RELEASE(nvjpegDestroy)
    NVJPEG_REQUIRE(alive(handle), kInvalid, "%p is no live handle", static_cast<void*>(handle))
    for (const State* state : all<State>()) {
        NVJPEG_REQUIRE(state->handle != handle, kInvalid, "a state of the handle is alive")
    }
    all<Handle>().erase(handle);
    count_live("nvjpeg.handle", -1);
    delete handle;
    return sim_call.after(kOk);
}

SIM_EXPORT int nvjpegJpegStateCreate(const Handle* handle, State** state) {
    SIM_CALL(int, nvjpegJpegStateCreate)
    NVJPEG_REQUIRE(alive(handle) && state != nullptr, kInvalid, "%p is no live handle", static_cast<const void*>(handle))
    *state = new State{handle};
    all<State>().insert(*state);
    count_live("nvjpeg.state", 1);
    return kOk;
}

SIM_EXPORT int nvjpegJpegStateDestroy(State* state) {
    SIM_RELEASE(nvjpegJpegStateDestroy)
    NVJPEG_REQUIRE(alive(state), kInvalid, "%p is no live state", static_cast<void*>(state))
    all<State>().erase(state);
    count_live("nvjpeg.state", -1);
    delete state;
    return sim_call.after(kOk);
}

SIM_EXPORT int nvjpegDecode(const Handle* handle, State* state, const unsigned char* data, std::size_t bytes, int format,
                            const Image* destination, void* where) {
    SIM_CALL(int, nvjpegDecode)
    if (const int bad = check(handle, state)) {
        return bad;
    }
    NVJPEG_REQUIRE(format == kRgbInterleaved && destination != nullptr, kInvalid, "output format %d is not simulated", format)
    Stream* const stream = resolve_stream(where);
    NVJPEG_REQUIRE(stream != nullptr, kInvalid, "%p is no live stream", where)
    NVJPEG_REQUIRE(stream->capture == nullptr, kFailed, "decoding is not allowed in a capture")
    std::vector<Picture> pictures(1);
    if (const int bad = read(handle, data, bytes, *destination, pictures[0])) {
        return bad;
    }
    return write("nvjpegDecode", std::move(pictures), {*destination}, stream);
}

SIM_EXPORT int nvjpegDecodeBatchedInitialize(const Handle* handle, State* state, int batch, int threads, int format) {
    SIM_CALL(int, nvjpegDecodeBatchedInitialize)
    if (const int bad = check(handle, state)) {
        return bad;
    }
    NVJPEG_REQUIRE(batch > 0 && threads > 0 && format == kRgbInterleaved, kInvalid, "%d images, %d threads, output format %d", batch,
                   threads, format)
    state->batch = batch;
    state->format = format;
    return kOk;
}

SIM_EXPORT int nvjpegDecodeBatched(const Handle* handle, State* state, const unsigned char* const* data, const std::size_t* bytes,
                                   const Image* destinations, void* where) {
    SIM_CALL(int, nvjpegDecodeBatched)
    if (const int bad = check(handle, state)) {
        return bad;
    }
    NVJPEG_REQUIRE(state->batch > 0, kInvalid, "nvjpegDecodeBatchedInitialize was not called, or the batch before failed")
    Stream* const stream = resolve_stream(where);
    NVJPEG_REQUIRE(stream != nullptr, kInvalid, "%p is no live stream", where)
    NVJPEG_REQUIRE(stream->capture == nullptr, kFailed, "decoding is not allowed in a capture")
    const int count = state->batch;
    // A batch that fails leaves the state to be initialized again.
    state->batch = 0;
    std::vector<Picture> pictures(static_cast<std::size_t>(count));
    for (int i = 0; i < count; i++) {
        if (const int bad = read(handle, data[i], bytes[i], destinations[i], pictures[static_cast<std::size_t>(i)])) {
            return bad;
        }
    }
    state->batch = count;
    return write("nvjpegDecodeBatched", std::move(pictures), {destinations, destinations + count}, stream);
}
