// What the shared library exports: the table of kernels, the texts they were made from, and the access hook.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "block.h"
#include "registry.h"
#include "source_texts.h"

namespace {

std::vector<simgpu::KernelEntry>& entries() {
    static std::vector<simgpu::KernelEntry> registered;
    return registered;
}

std::uint64_t checksum(std::uint64_t state, const host_gpu::SourceText& text) {
    for (const char* at = text.begin; at != text.end; at++)
        state = (state ^ static_cast<unsigned char>(*at)) * 0x100000001b3u;
    return state;
}

class Unchecked {
public:
    Unchecked() : check_(std::exchange(host_gpu::access_check, nullptr)) {}
    ~Unchecked() { host_gpu::access_check = check_; }
    Unchecked(const Unchecked&) = delete;
    Unchecked& operator=(const Unchecked&) = delete;

private:
    simgpu::AccessCheck check_;
};

}  // namespace

host_gpu::Registration::Registration(const simgpu::KernelEntry& entry) { entries().push_back(entry); }

extern "C" {

__attribute__((visibility("default"))) simgpu::KernelTable simgpu_kernel_table() {
    return {entries().data(), entries().size()};
}

// FNV-1a, over the text of the program and then over that of each header in the order of their names: the order in
// which NVRTC is given them.
__attribute__((visibility("default"))) std::uint64_t simgpu_kernel_source_checksum(const char* program) {
    for (const host_gpu::SourceText& text : host_gpu::programs)
        if (std::strcmp(text.name, program) == 0) {
            std::uint64_t state = checksum(0xcbf29ce484222325u, text);
            for (const host_gpu::SourceText& header : host_gpu::headers)
                state = checksum(state, header);
            return state;
        }
    return 0;
}

/// Runs one kernel on the caller's own memory, for callers that take no C++ exceptions: 0, or the fault's status with its
/// message. The simulated device's table of memory is not asked.
__attribute__((visibility("default"))) int simgpu_kernel_launch(
    const char* name, const unsigned* grid, const unsigned* block, void* const* parameters, char* message, std::size_t bytes) {
    for (const simgpu::KernelEntry& entry : entries())
        if (std::strcmp(entry.name, name) == 0) {
            const Unchecked unchecked;
            try {
                entry.launch({grid[0], grid[1], grid[2]}, {block[0], block[1], block[2]}, 0, parameters);
                return 0;
            } catch (const simgpu::KernelFault& fault) {
                std::snprintf(message, bytes, "%s", fault.message);
                return fault.status;
            }
        }
    std::snprintf(message, bytes, "there is no kernel %s", name);
    return host_gpu::kStatusInvalidValue;
}

__attribute__((visibility("default"))) void simgpu_kernel_set_access_check(simgpu::AccessCheck check) {
    host_gpu::access_check = check;
}
}
