// What stands for a cubin: the simulated NVRTC writes it, the simulated driver reads it.
#pragma once

#include <cstdint>
#include <string>

#include "../include/simgpu/kernels.h"

namespace simgpu {

struct ImageHeader {
    char magic[16];  // "SIMGPU-CUBIN 1"
    char program[64];
    std::uint64_t checksum;
    int architecture;
    int reserved;
};

constexpr const char* kImageMagic = "SIMGPU-CUBIN 1";

/// libsimgpu_kernels.so from the folder of this library; null entries where it is not there.
struct HostKernels {
    KernelTable (*table)() = nullptr;
    std::uint64_t (*source_checksum)(const char*) = nullptr;
    std::string problem;
};
const HostKernels& host_kernels();

std::uint64_t fnv1a64(const char* text, std::size_t length, std::uint64_t hash = 14695981039346656037ULL);

}  // namespace simgpu
