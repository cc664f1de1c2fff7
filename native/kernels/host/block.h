// A thread block on the host: what its threads share, and how they wait for one another.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simgpu/kernels.h"

namespace host_gpu {

struct Dim3 {
    unsigned x, y, z;
};

constexpr int kStatusInvalidValue = 1;
constexpr int kStatusLaunchOutOfResources = 701;
constexpr int kStatusIllegalAddress = 700;
constexpr int kStatusMisalignedAddress = 716;
constexpr int kStatusLaunchFailed = 719;

/// What a thread sees of itself, and of its block.
struct ThreadView {
    Dim3 index;
};

struct BlockView {
    Dim3 index;
    Dim3 block_extent;
    Dim3 grid_extent;
};

extern thread_local ThreadView* running_thread;
extern thread_local BlockView* running_block;

inline const ThreadView& current_thread() { return *running_thread; }
inline const BlockView& current_block() { return *running_block; }

/// Ends the launch: the message is extended by the kernel, the block and the thread.
[[noreturn]] void fault(int status, const char* format, ...) __attribute__((format(printf, 2, 3)));

/// Waits until every thread of the block that has not ended is at the barrier of the same source line.
void block_barrier(int line);

/// Gives `word` to the warp and takes that of the lane whose number differs by `bits`; waits for all 32 lanes.
std::uint64_t exchange(std::uint64_t word, int bits, int line);

/// The block's memory of one shared array; `tag` tells arrays apart. All bits are set at the start of each block.
void* shared_memory(const void* tag, std::size_t bytes);

extern simgpu::AccessCheck access_check;

inline void check_access(const void* address, std::size_t bytes, std::size_t alignment, bool write) {
    if (reinterpret_cast<std::uintptr_t>(address) % alignment != 0)
        fault(kStatusMisalignedAddress, "%s of %zu bytes at %p, which is not a multiple of %zu",
              write ? "store" : "load", bytes, address, alignment);
    if (address == nullptr)
        fault(kStatusIllegalAddress, "%s of %zu bytes at a null pointer", write ? "store" : "load", bytes);
    if (access_check == nullptr)
        return;
    if (const char* message = access_check(address, bytes, alignment, write))
        fault(kStatusIllegalAddress, "%s", message);
}

template <class T>
class SharedArray {
public:
    SharedArray(T* elements, std::size_t count) : elements_(elements), count_(count) {}

    T& operator[](std::size_t index) const {
        if (index >= count_)
            fault(kStatusIllegalAddress, "index %zu of a shared array of %zu", index, count_);
        return elements_[index];
    }

private:
    T* elements_;
    std::size_t count_;
};

template <class T, class Tag>
SharedArray<T> shared_array(Tag, std::size_t count) {
    static const char tag = 0;
    return {static_cast<T*>(shared_memory(&tag, count * sizeof(T))), count};
}

/// Runs every block of the grid, one after the other.
void run_grid(const char* kernel, simgpu::Extent grid, simgpu::Extent block, void (*body)(void* const*),
              void* const* parameters);

}  // namespace host_gpu
