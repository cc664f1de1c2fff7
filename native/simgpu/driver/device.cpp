// Initialisation, devices and contexts.
#include <cstdio>
#include <cstring>

#include "entry.h"

using namespace simgpu;

bool& driver_initialized() {
    static bool initialized = false;
    return initialized;
}

namespace {

constexpr const char* kName = "simulated GPU (runs on the CPU)";

Context& primary() {
    static auto* context = [] {
        auto* made = new Context;
        made->primary = true;
        return made;
    }();
    return *context;
}

/// What is still alive when a context ends is a leak of the caller, and ends with it.
void end_context(Context* context) {
    if (context->sticky == 0) {
        run_context(context);
    }
    const int streams = streams_of(context);
    const int execs = drop_graphs(context);
    const int modules = drop_modules(context);
    drop_context(context);
    const int allocations = release_all(context);
    if (context->sticky == 0 && (streams != 0 || execs != 0 || modules != 0 || allocations != 0)) {
        complain("the context ends with %d allocations, %d streams, %d graph instances and %d modules alive", allocations,
                 streams, execs, modules);
    }
    count_live("context", -1);
}

int device_status(CUdevice device) {
    if (!driver_initialized()) {
        return kNotInitialized;
    }
    return device >= 0 && device < settings().devices ? kSuccess : kInvalidDevice;
}

}  // namespace

#define DEVICE_CALL(function)                         \
    SIM_CALL(CUresult, function)                      \
    if (const int bad = device_status(device)) {      \
        return bad;                                   \
    }

SIM_EXPORT CUresult cuInit(unsigned flags) {
    SIM_CALL(CUresult, cuInit)
    DRIVER_REQUIRE(flags == 0, kInvalidValue, "flags must be 0, not %u", flags)
    if (settings().devices == 0) {
        return kNoDevice;
    }
    driver_initialized() = true;
    return kSuccess;
}

SIM_EXPORT CUresult cuDriverGetVersion(int* version) {
    SIM_CALL(CUresult, cuDriverGetVersion)
    *version = 12060;
    return kSuccess;
}

struct NamedStatus {
    int status;
    const char* name;
    const char* text;
};

static const NamedStatus* find_status(int status) {
    static const NamedStatus table[] = {
        {0, "CUDA_SUCCESS", "no error"},
        {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
        {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
        {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
        {46, "CUDA_ERROR_DEVICE_UNAVAILABLE", "CUDA-capable device(s) is/are busy or unavailable"},
        {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
        {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
        {200, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
        {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
        {209, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
        {214, "CUDA_ERROR_ECC_UNCORRECTABLE", "uncorrectable ECC error encountered"},
        {400, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
        {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
        {600, "CUDA_ERROR_NOT_READY", "device not ready"},
        {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
        {701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
        {702, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"},
        {716, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
        {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
        {801, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
        {900, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"},
        {901, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"},
        {903, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED", "capture was not ended in the same stream as it began"},
        {904, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED", "capturing stream has unjoined work"},
        {905, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION", "dependency created on uncaptured work in another stream"},
        {906, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT",
         "operation would make the legacy stream depend on a capturing blocking stream"},
        {907, "CUDA_ERROR_CAPTURED_EVENT", "operation not permitted on an event last recorded in a capturing stream"},
        {908, "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD",
         "attempt to terminate a thread-local capture sequence from another thread"},
        {910, "CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE",
         "the graph update was not performed because it included changes which violated constraints"},
        {999, "CUDA_ERROR_UNKNOWN", "unknown error"},
    };
    for (const NamedStatus& row : table) {
        if (row.status == status) {
            return &row;
        }
    }
    return nullptr;
}

SIM_EXPORT CUresult cuGetErrorString(CUresult status, const char** text) {
    SIM_CALL(CUresult, cuGetErrorString)
    const NamedStatus* row = find_status(status);
    *text = row == nullptr ? nullptr : row->text;
    return row == nullptr ? kInvalidValue : kSuccess;
}

SIM_EXPORT CUresult cuDeviceGetCount(int* count) {
    SIM_CALL(CUresult, cuDeviceGetCount)
    if (!driver_initialized()) {
        return kNotInitialized;
    }
    *count = settings().devices;
    return kSuccess;
}

SIM_EXPORT CUresult cuDeviceGet(CUdevice* result, int device) {
    DEVICE_CALL(cuDeviceGet)
    *result = device;
    return kSuccess;
}

SIM_EXPORT CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
    DEVICE_CALL(cuDeviceGetName)
    std::snprintf(name, static_cast<std::size_t>(length), "%s", kName);
    return kSuccess;
}

SIM_EXPORT CUresult cuDeviceGetPCIBusId(char* text, int length, CUdevice device) {
    DEVICE_CALL(cuDeviceGetPCIBusId)
    std::snprintf(text, static_cast<std::size_t>(length), "0000:00:%02x.0", device);
    return kSuccess;
}

SIM_EXPORT CUresult cuDeviceTotalMem_v2(std::size_t* bytes, CUdevice device) {
    DEVICE_CALL(cuDeviceTotalMem_v2)
    *bytes = settings().device_memory_bytes;
    return kSuccess;
}

SIM_EXPORT CUresult cuDeviceGetAttribute(int* value, int attribute, CUdevice device) {
    DEVICE_CALL(cuDeviceGetAttribute)
    // The figures of an H200 (cc 9.0), from NVIDIA's CUDA C++ Programming Guide, table of technical specifications.
    switch (attribute) {
        case 1: *value = 1024; break;                 // MAX_THREADS_PER_BLOCK
        case 2: case 3: *value = 1024; break;         // MAX_BLOCK_DIM_X, Y
        case 4: *value = 64; break;                   // MAX_BLOCK_DIM_Z
        case 5: *value = 2147483647; break;           // MAX_GRID_DIM_X
        case 6: case 7: *value = 65535; break;        // MAX_GRID_DIM_Y, Z
        case 8: *value = 49152; break;                // MAX_SHARED_MEMORY_PER_BLOCK
        case 10: *value = 32; break;                  // WARP_SIZE
        case 12: *value = 65536; break;               // MAX_REGISTERS_PER_BLOCK
        case 13: *value = 1980000; break;             // CLOCK_RATE, kHz
        case 16: *value = 132; break;                 // MULTIPROCESSOR_COUNT
        case 18: *value = 0; break;                   // INTEGRATED
        case 36: *value = 3201000; break;             // MEMORY_CLOCK_RATE, kHz
        case 37: *value = 6144; break;                // GLOBAL_MEMORY_BUS_WIDTH, bits
        case 38: *value = 62914560; break;            // L2_CACHE_SIZE
        case 39: *value = 2048; break;                // MAX_THREADS_PER_MULTIPROCESSOR
        case 40: *value = 3; break;                   // ASYNC_ENGINE_COUNT
        case 41: *value = 1; break;                   // UNIFIED_ADDRESSING
        case 75: *value = settings().compute_capability / 10; break;
        case 76: *value = settings().compute_capability % 10; break;
        case 78: *value = 1; break;                   // STREAM_PRIORITIES_SUPPORTED
        case 81: *value = 233472; break;              // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
        case 95: *value = 1; break;                   // COOPERATIVE_LAUNCH
        case 97: *value = 232448; break;              // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
        case 106: *value = 32; break;                 // MAX_BLOCKS_PER_MULTIPROCESSOR
        case 108: *value = 39321600; break;           // MAX_PERSISTING_L2_CACHE_SIZE
        case 115: *value = settings().pools; break;   // MEMORY_POOLS_SUPPORTED
        default:
            complain("attribute %d is not simulated", attribute);
            return kInvalidValue;
    }
    return kSuccess;
}

SIM_EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
    DEVICE_CALL(cuDevicePrimaryCtxRetain)
    Context& one = primary();
    if (one.references++ == 0) {
        one.sticky = 0;
        one.sticky_reason.clear();
        count_live("context", 1);
    }
    *context = &one;
    return kSuccess;
}

SIM_EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    SIM_RELEASE(cuDevicePrimaryCtxRelease_v2)
    if (const int bad = device_status(device)) {
        return bad;
    }
    Context& one = primary();
    DRIVER_REQUIRE(one.references > 0, kInvalidContext, "the primary context is not retained")
    if (--one.references == 0) {
        end_context(&one);
    }
    return sim_call.after(kSuccess);
}

SIM_EXPORT CUresult cuCtxCreate_v2(CUcontext* context, unsigned, CUdevice device) {
    DEVICE_CALL(cuCtxCreate_v2)
    auto* made = new Context;
    made->references = 1;
    count_live("context", 1);
    context_stack().push_back(made);
    *context = made;
    return kSuccess;
}

SIM_EXPORT CUresult cuCtxDestroy_v2(CUcontext context) {
    SIM_RELEASE(cuCtxDestroy_v2)
    DRIVER_REQUIRE(context != nullptr && !context->primary, kInvalidContext, "only created contexts are destroyed")
    end_context(context);
    context->references = 0;
    context->sticky = kInvalidContext;  // stays as a tombstone: stacks of other threads may hold it
    auto& stack = context_stack();
    if (!stack.empty() && stack.back() == context) {
        stack.pop_back();
    }
    return sim_call.after(kSuccess);
}

SIM_EXPORT CUresult cuCtxGetCurrent(CUcontext* context) {
    SIM_CALL(CUresult, cuCtxGetCurrent)
    *context = current_context();
    return kSuccess;
}

SIM_EXPORT CUresult cuCtxPushCurrent_v2(CUcontext context) {
    SIM_CALL(CUresult, cuCtxPushCurrent_v2)
    DRIVER_REQUIRE(context != nullptr, kInvalidContext, "null context")
    context_stack().push_back(context);
    return kSuccess;
}

SIM_EXPORT CUresult cuCtxPopCurrent_v2(CUcontext* context) {
    SIM_RELEASE(cuCtxPopCurrent_v2)
    auto& stack = context_stack();
    DRIVER_REQUIRE(!stack.empty(), kInvalidContext, "the stack of contexts is empty")
    if (context != nullptr) {
        *context = stack.back();
    }
    stack.pop_back();
    return sim_call.after(kSuccess);
}

SIM_EXPORT CUresult cuCtxGetDevice(CUdevice* device) {
    DRIVER_CALL(cuCtxGetDevice)
    *device = 0;
    return kSuccess;
}

SIM_EXPORT CUresult cuCtxSynchronize() {
    DRIVER_CALL(cuCtxSynchronize)
    DRIVER_NOT_IN_CAPTURE()
    return run_context(context);
}

