// The simulated NVML: one device with the name of the simulator and round figures that nobody can take for measurements.
#include <cstdio>
#include <cstring>

#include "../core/call.h"
#include "../core/memory.h"

using namespace simgpu;

namespace {

constexpr int kUninitialized = 1;
constexpr int kInvalidArgument = 2;
constexpr int kNotFound = 6;

int users = 0;
char device;

int check(const void* handle) {
    if (users == 0) {
        return kUninitialized;
    }
    if (handle != &device) {
        complain("%p is no device", handle);
        return kInvalidArgument;
    }
    return 0;
}

}  // namespace

SIM_EXPORT int nvmlInit_v2() {
    SIM_CALL(int, nvmlInit_v2)
    ++users;
    return 0;
}

SIM_EXPORT int nvmlShutdown() {
    SIM_RELEASE(nvmlShutdown)
    if (users == 0) {
        return kUninitialized;
    }
    --users;
    return sim_call.after(0);
}

SIM_EXPORT const char* nvmlErrorString(int status) {
    Call call("nvmlErrorString");
    switch (status) {
        case 0: return "Success";
        case kUninitialized: return "Uninitialized";
        case kInvalidArgument: return "Invalid Argument";
        case 3: return "Not Supported";
        case kNotFound: return "Not Found";
        case 9: return "Driver Not Loaded";
        case 15: return "GPU is lost";
        default: return "Unknown Error";
    }
}

SIM_EXPORT int nvmlDeviceGetHandleByPciBusId_v2(const char* bus, void** handle) {
    SIM_CALL(int, nvmlDeviceGetHandleByPciBusId_v2)
    if (users == 0) {
        return kUninitialized;
    }
    if (bus == nullptr || std::strstr(bus, "00:00.0") == nullptr) {
        return kNotFound;
    }
    *handle = &device;
    return 0;
}

SIM_EXPORT int nvmlDeviceGetClockInfo(void* handle, int type, unsigned* megahertz) {
    SIM_CALL(int, nvmlDeviceGetClockInfo)
    if (const int bad = check(handle)) {
        return bad;
    }
    if (type < 0 || type > 3) {
        return kInvalidArgument;
    }
    *megahertz = type == 2 ? 1000 : 100;
    return 0;
}

SIM_EXPORT int nvmlDeviceGetMaxClockInfo(void* handle, int type, unsigned* megahertz) {
    SIM_CALL(int, nvmlDeviceGetMaxClockInfo)
    if (const int bad = check(handle)) {
        return bad;
    }
    if (type < 0 || type > 3) {
        return kInvalidArgument;
    }
    *megahertz = type == 2 ? 1000 : 100;
    return 0;
}

SIM_EXPORT int nvmlDeviceGetMemoryInfo(void* handle, std::uint64_t* memory) {
    SIM_CALL(int, nvmlDeviceGetMemoryInfo)
    if (const int bad = check(handle)) {
        return bad;
    }
    const std::uint64_t total = settings().device_memory_bytes;
    const std::uint64_t used = device_bytes_in_use();
    memory[0] = total;  // nvmlMemory_t: total, free, used
    memory[1] = total - used;
    memory[2] = used;
    return 0;
}
