// Prototypes of the entry points under test, with the types of the real headers reduced to what they are in memory.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {
int simgpu_script(const char*);
std::int64_t simgpu_query(const char*);
int simgpu_complaint(int, char*, int);
void simgpu_clear();
int simgpu_live(char*, int);

int cuInit(unsigned);
int cuDevicePrimaryCtxRetain(void**, int);
int cuDevicePrimaryCtxRelease_v2(int);
int cuCtxPushCurrent_v2(void*);
int cuCtxPopCurrent_v2(void**);
int cuCtxSynchronize();
int cuMemAlloc_v2(unsigned long long*, std::size_t);
int cuMemFree_v2(unsigned long long);
int cuMemAllocAsync(unsigned long long*, std::size_t, void*);
int cuMemFreeAsync(unsigned long long, void*);
int cuMemHostAlloc(void**, std::size_t, unsigned);
int cuMemFreeHost(void*);
int cuMemcpyHtoDAsync_v2(unsigned long long, const void*, std::size_t, void*);
int cuMemcpyDtoHAsync_v2(void*, unsigned long long, std::size_t, void*);
int cuMemcpyDtoDAsync_v2(unsigned long long, unsigned long long, std::size_t, void*);
int cuMemsetD8Async(unsigned long long, unsigned char, std::size_t, void*);
int cuStreamCreate(void**, unsigned);
int cuStreamDestroy_v2(void*);
int cuStreamSynchronize(void*);
int cuStreamWaitEvent(void*, void*, unsigned);
int cuEventCreate(void**, unsigned);
int cuEventDestroy_v2(void*);
int cuEventRecord(void*, void*);
int cuEventSynchronize(void*);
int cuStreamBeginCapture_v2(void*, int);
int cuStreamEndCapture(void*, void**);
int cuGraphInstantiateWithFlags(void**, void*, unsigned long long);
int cuGraphDestroy(void*);
int cuGraphLaunch(void*, void*);
int cuGraphExecDestroy(void*);

int cudnnCreate(void**);
int cudnnDestroy(void*);
int cudnnSetStream(void*, void*);
int cudnnBackendCreateDescriptor(int, void**);
int cudnnBackendDestroyDescriptor(void*);
int cudnnBackendFinalize(void*);
int cudnnBackendSetAttribute(void*, int, int, std::int64_t, const void*);
int cudnnBackendGetAttribute(void*, int, int, std::int64_t, std::int64_t*, void*);
int cudnnBackendExecute(void*, void*, void*);
void cudnnGetLastErrorString(char*, std::size_t);
}

/// The context that a test runs in; checks at its end that nothing is left.
class Device {
public:
    Device();
    ~Device();
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
};
