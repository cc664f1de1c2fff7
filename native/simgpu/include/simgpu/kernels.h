// What the simulated driver asks of the kernels in native/kernels when they are compiled for the host.
#pragma once

#include <cstddef>
#include <cstdint>

namespace simgpu {

struct Extent {
    unsigned x, y, z;
};

/// One __global__ function compiled for the host.
struct KernelEntry {
    /// File name of the source, without a folder, as the runtime gives it to nvrtcCreateProgram: "pooling.cu".
    const char* program;
    /// The name that cuModuleGetFunction is called with.
    const char* name;
    /// sizeof of each parameter, in order; the driver copies that many bytes when the launch is enqueued.
    const std::size_t* parameter_bytes;
    std::size_t parameter_count;
    std::size_t static_shared_bytes;
    /// Runs the whole grid on the calling thread and returns when it has ended; parameters[i] points at the value of
    /// the i-th argument. Throws KernelFault where the kernel does what a device would fault on.
    void (*launch)(Extent grid, Extent block, std::size_t dynamic_shared_bytes, void* const* parameters);
};

/// Thrown out of KernelEntry::launch: the driver reports it and lets the context die with `status`
/// (700 illegal address, 716 misaligned address, 719 launch failed).
struct KernelFault {
    int status;
    char message[240];
};

/// Every kernel of the library of host kernels.
struct KernelTable {
    const KernelEntry* entries;
    std::size_t count;
};

/// Called by the host device-primitives for each access through a device pointer (loads, stores, atomics, vectors).
/// Returns null where the access is legal, else a message that lives until the next call on this thread; the
/// primitives then throw KernelFault. `alignment` is what the access needs (16 for a 16-byte vector).
using AccessCheck = const char* (*)(const void* address, std::size_t bytes, std::size_t alignment, bool write);

}  // namespace simgpu

extern "C" {
/// Exported by libsimgpu_kernels.so, which native/kernels builds and the simulated driver loads from its own folder.
simgpu::KernelTable simgpu_kernel_table();
/// SHA-256-free identity: the FNV-1a 64 checksum of the text of `program` that was compiled in, 0 where it is unknown.
/// NVRTC refuses to "compile" a text whose checksum differs: the library is then older than the sources.
std::uint64_t simgpu_kernel_source_checksum(const char* program);
/// Null switches the checks off.
void simgpu_kernel_set_access_check(simgpu::AccessCheck check);
}
