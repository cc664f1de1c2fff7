// Device memory: host allocations between guard zones, filled with NaN, in a table of what is alive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace simgpu {

struct Context;

/// 0xFF bytes read as NaN in fp32, bf16, fp16 and double.
constexpr int kPoisonByte = 0xFF;

enum class MemoryKind { device, pool, pinned };

struct Allocation {
    std::uintptr_t base = 0;
    std::size_t bytes = 0;
    MemoryKind kind = MemoryKind::device;
    Context* context = nullptr;
    void* block = nullptr;
};

/// Null where the simulated device has not that much memory left, or the host has not.
void* allocate(std::size_t bytes, MemoryKind kind, Context* context);

/// False where `start` is not the start of a live allocation of this kind.
bool release(void* start, MemoryKind kind);

/// Ends every allocation of a context and returns how many there were.
int release_all(Context* context);

/// The live allocation that holds the address, or null.
const Allocation* find_allocation(const void* address);

/// Empty where [address, address + bytes) lies in one live device-accessible allocation and is aligned; else what is wrong.
std::string check_access(const void* address, std::size_t bytes, std::size_t alignment = 1);

/// The same for each access of a kernel: null or a message of this thread.
const char* check_kernel_access(const void* address, std::size_t bytes, std::size_t alignment, bool write);

/// Fills device memory with NaN. Used for memory whose planned lifetime has ended.
void poison(void* start, std::size_t bytes);

/// Complains about each allocation whose guard zones were written to.
void check_guards();

bool is_page_locked(const void* address);
std::size_t device_bytes_in_use();
std::size_t device_bytes_peak();

}  // namespace simgpu
