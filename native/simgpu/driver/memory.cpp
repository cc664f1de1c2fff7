// Allocation, copies and fills.
#include <cstring>

#include "entry.h"

using namespace simgpu;

namespace {

void* device(CUdeviceptr pointer) {
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(pointer));
}

CUdeviceptr handle(void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer);
}

/// Checks now, for an error that names the call, and again when the work runs, for memory freed in between.
int check_now(const void* pointer, std::size_t bytes, const char* role) {
    const std::string wrong = check_access(pointer, bytes);
    DRIVER_REQUIRE(wrong.empty(), kInvalidValue, "%s: %s", role, wrong.c_str())
    return kSuccess;
}

void check_then(const void* pointer, std::size_t bytes, const char* role) {
    const std::string wrong = check_access(pointer, bytes);
    if (!wrong.empty()) {
        throw DeviceFault{kIllegalAddress, std::string(role) + ": " + wrong};
    }
}

int allocate_into(CUdeviceptr* pointer, std::size_t bytes, MemoryKind kind, Context* context) {
    DRIVER_REQUIRE(pointer != nullptr && bytes > 0, kInvalidValue, "%zu bytes were asked for", bytes)
    void* start = allocate(bytes, kind, context);
    *pointer = handle(start);
    return start == nullptr ? kOutOfMemory : kSuccess;
}

int to_device(const char* name, CUdeviceptr target, const void* source, std::size_t bytes, Stream* stream) {
    if (bytes == 0) {
        return kSuccess;
    }
    if (const int bad = check_now(device(target), bytes, "target")) {
        return bad;
    }
    const auto copy = [target, bytes](const void* from) {
        check_then(device(target), bytes, "target");
        count_bytes_to_device(bytes);
        std::memcpy(device(target), from, bytes);
    };
    if (is_page_locked(source) || stream->capture != nullptr) {
        return enqueue(stream, name, [=] { copy(source); });
    }
    // Pageable memory is staged before the call returns.
    std::vector<unsigned char> staged(static_cast<const unsigned char*>(source),
                                      static_cast<const unsigned char*>(source) + bytes);
    return enqueue(stream, name, [=, staged = std::move(staged)] { copy(staged.data()); });
}

int to_host(const char* name, void* target, CUdeviceptr source, std::size_t bytes, Stream* stream) {
    if (bytes == 0) {
        return kSuccess;
    }
    if (const int bad = check_now(device(source), bytes, "source")) {
        return bad;
    }
    const int status = enqueue(stream, name, [=] {
        check_then(device(source), bytes, "source");
        std::memcpy(target, device(source), bytes);
    });
    // A copy into pageable memory returns when it has happened.
    return status != kSuccess || is_page_locked(target) || stream->capture != nullptr ? status : run_stream(stream);
}

int within_device(const char* name, CUdeviceptr target, CUdeviceptr source, std::size_t bytes, Stream* stream) {
    if (bytes == 0) {
        return kSuccess;
    }
    if (const int bad = check_now(device(target), bytes, "target")) {
        return bad;
    }
    if (const int bad = check_now(device(source), bytes, "source")) {
        return bad;
    }
    DRIVER_REQUIRE(target + bytes <= source || source + bytes <= target, kInvalidValue,
                   "source and target overlap (%zu bytes)", bytes)
    return enqueue(stream, name, [=] {
        check_then(device(target), bytes, "target");
        check_then(device(source), bytes, "source");
        std::memcpy(device(target), device(source), bytes);
    });
}

int fill(const char* name, CUdeviceptr target, int value, std::size_t bytes, Stream* stream) {
    if (bytes == 0) {
        return kSuccess;
    }
    if (const int bad = check_now(device(target), bytes, "target")) {
        return bad;
    }
    return enqueue(stream, name, [=] {
        check_then(device(target), bytes, "target");
        std::memset(device(target), value, bytes);
    });
}

}  // namespace

SIM_EXPORT CUresult cuMemGetInfo_v2(std::size_t* free_bytes, std::size_t* total_bytes) {
    DRIVER_CALL(cuMemGetInfo_v2)
    *total_bytes = settings().device_memory_bytes;
    *free_bytes = *total_bytes - std::min(*total_bytes, device_bytes_in_use());
    return kSuccess;
}

SIM_EXPORT CUresult cuMemAlloc_v2(CUdeviceptr* pointer, std::size_t bytes) {
    DRIVER_CALL(cuMemAlloc_v2)
    DRIVER_NOT_IN_CAPTURE()
    return allocate_into(pointer, bytes, MemoryKind::device, context);
}

SIM_EXPORT CUresult cuMemFree_v2(CUdeviceptr pointer) {
    SIM_RELEASE(cuMemFree_v2)
    DRIVER_NOT_IN_CAPTURE()
    if (pointer == 0) {
        return kSuccess;
    }
    const Allocation* allocation = find_allocation(device(pointer));
    DRIVER_REQUIRE(allocation != nullptr, kInvalidValue, "%p is no device memory", device(pointer))
    Context* owner = allocation->context;
    const int status = owner->sticky != 0 ? owner->sticky : run_context(owner);  // cuMemFree waits for the device
    DRIVER_REQUIRE(release(device(pointer), MemoryKind::device), kInvalidValue,
                   "%p is not the start of memory of cuMemAlloc", device(pointer))
    return sim_call.after(status);
}

SIM_EXPORT CUresult cuMemHostAlloc(void** pointer, std::size_t bytes, unsigned flags) {
    DRIVER_CALL(cuMemHostAlloc)
    DRIVER_NOT_IN_CAPTURE()
    DRIVER_REQUIRE(flags <= 7, kInvalidValue, "flags %u", flags)
    DRIVER_REQUIRE(bytes > 0, kInvalidValue, "0 bytes were asked for")
    *pointer = allocate(bytes, MemoryKind::pinned, context);
    return *pointer == nullptr ? kOutOfMemory : kSuccess;
}

SIM_EXPORT CUresult cuMemFreeHost(void* pointer) {
    SIM_RELEASE(cuMemFreeHost)
    DRIVER_NOT_IN_CAPTURE()
    const Allocation* allocation = find_allocation(pointer);
    DRIVER_REQUIRE(allocation != nullptr, kInvalidValue, "%p is no page-locked memory", pointer)
    Context* owner = allocation->context;
    const int status = owner->sticky != 0 ? owner->sticky : run_context(owner);
    DRIVER_REQUIRE(release(pointer, MemoryKind::pinned), kInvalidValue, "%p is not the start of page-locked memory",
                   pointer)
    return sim_call.after(status);
}

SIM_EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr target, const void* source, std::size_t bytes, CUstream where) {
    DRIVER_CALL(cuMemcpyHtoDAsync_v2)
    DRIVER_STREAM(stream, where)
    return to_device("cuMemcpyHtoDAsync_v2", target, source, bytes, stream);
}

SIM_EXPORT CUresult cuMemcpyDtoHAsync_v2(void* target, CUdeviceptr source, std::size_t bytes, CUstream where) {
    DRIVER_CALL(cuMemcpyDtoHAsync_v2)
    DRIVER_STREAM(stream, where)
    return to_host("cuMemcpyDtoHAsync_v2", target, source, bytes, stream);
}

SIM_EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr target, CUdeviceptr source, std::size_t bytes, CUstream where) {
    DRIVER_CALL(cuMemcpyDtoDAsync_v2)
    DRIVER_STREAM(stream, where)
    return within_device("cuMemcpyDtoDAsync_v2", target, source, bytes, stream);
}

SIM_EXPORT CUresult cuMemsetD8Async(CUdeviceptr target, unsigned char value, std::size_t count, CUstream where) {
    DRIVER_CALL(cuMemsetD8Async)
    DRIVER_STREAM(stream, where)
    return fill("cuMemsetD8Async", target, value, count, stream);
}

SIM_EXPORT CUresult cuMemAllocAsync(CUdeviceptr* pointer, std::size_t bytes, CUstream where) {
    DRIVER_CALL(cuMemAllocAsync)
    DRIVER_STREAM(stream, where)
    DRIVER_REQUIRE(stream->capture == nullptr, kNotSupported, "allocation nodes of graphs are not simulated")
    const std::size_t limit = settings().device_memory_bytes;
    if (bytes > limit || device_bytes_in_use() > limit - bytes) {
        run_context(context);  // a free that is still enqueued may make room
    }
    return allocate_into(pointer, bytes, MemoryKind::pool, context);
}

SIM_EXPORT CUresult cuMemFreeAsync(CUdeviceptr pointer, CUstream where) {
    SIM_RELEASE(cuMemFreeAsync)
    DRIVER_STREAM(stream, where)
    DRIVER_REQUIRE(stream->capture == nullptr, kNotSupported, "free nodes of graphs are not simulated")
    const Allocation* allocation = find_allocation(device(pointer));
    DRIVER_REQUIRE(allocation != nullptr && allocation->base == pointer && allocation->kind == MemoryKind::pool,
                   kInvalidValue, "%p is not the start of memory of cuMemAllocAsync", device(pointer))
    return sim_call.after(enqueue(stream, "cuMemFreeAsync", [=] {
        if (!release(device(pointer), MemoryKind::pool)) {
            throw DeviceFault{kIllegalAddress, format("%p was freed twice", device(pointer))};
        }
    }));
}

static char default_pool;

SIM_EXPORT CUresult cuDeviceGetDefaultMemPool(void** pool, CUdevice number) {
    SIM_CALL(CUresult, cuDeviceGetDefaultMemPool)
    DRIVER_REQUIRE(number >= 0 && number < settings().devices, kInvalidDevice, "device %d", number)
    *pool = &default_pool;
    return kSuccess;
}

SIM_EXPORT CUresult cuMemPoolTrimTo(void* pool, std::size_t) {
    DRIVER_CALL(cuMemPoolTrimTo)
    DRIVER_REQUIRE(pool == &default_pool, kInvalidValue, "%p is no pool", pool)
    return kSuccess;
}

/// Fills memory with NaN in stream order: for memory whose planned lifetime has ended. Returns a driver status.
SIM_EXPORT CUresult simgpu_poison(CUdeviceptr target, std::size_t bytes, CUstream where) {
    DRIVER_CALL(simgpu_poison)
    DRIVER_STREAM(stream, where)
    return fill("simgpu_poison", target, kPoisonByte, bytes, stream);
}
