// Shared by the entry points of the simulated libcuda.
#pragma once

#include "../core/call.h"
#include "../core/graphs.h"
#include "../core/memory.h"
#include "../core/streams.h"

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = simgpu::Context*;
using CUstream = void*;
using CUevent = simgpu::Event*;

/// Unloads the modules of a context that ends and returns how many there were.
int drop_modules(simgpu::Context* context);

/// Set by cuInit; entry points before it answer kNotInitialized.
bool& driver_initialized();

/// Opens an entry point that needs a living current context, named `context`.
#define DRIVER_CALL(function)                                     \
    SIM_CALL(CUresult, function)                                  \
    ::simgpu::Context* const context = ::simgpu::current_context(); \
    if (context == nullptr) {                                     \
        ::simgpu::complain("no context is current");              \
        return ::simgpu::kInvalidContext;                         \
    }                                                             \
    if (context->sticky != 0) {                                   \
        return context->sticky;                                   \
    }

#define DRIVER_STREAM(stream, handle)                                            \
    ::simgpu::Stream* const stream = ::simgpu::resolve_stream(handle);           \
    if (stream == nullptr) {                                                     \
        ::simgpu::complain("%p is no live stream", static_cast<void*>(handle));  \
        return ::simgpu::kInvalidHandle;                                         \
    }                                                                            \
    if (stream->context->sticky != 0) {                                          \
        return stream->context->sticky;                                          \
    }

#define DRIVER_REQUIRE(condition, status, ...) \
    if (!(condition)) {                        \
        ::simgpu::complain(__VA_ARGS__);       \
        return status;                         \
    }

/// Calls that the driver refuses while a stream is being captured.
#define DRIVER_NOT_IN_CAPTURE()                                    \
    if (const int forbidden = ::simgpu::forbid_in_capture()) {     \
        return forbidden;                                          \
    }
