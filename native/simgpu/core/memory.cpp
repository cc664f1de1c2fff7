#include "memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>

#include "call.h"

namespace simgpu {
namespace {

constexpr std::size_t kGuardBytes = 4096;
constexpr std::size_t kQuarantineBytes = std::size_t{64} << 20;

struct Quarantined {
    std::uintptr_t base;
    std::size_t bytes;
    void* block;
};

struct Table {
    std::map<std::uintptr_t, Allocation> live;
    std::deque<Quarantined> freed;
    std::size_t freed_bytes = 0;
    std::size_t device_bytes = 0;
    std::size_t peak_bytes = 0;
    std::uint64_t generation = 1;  // changes with every release, so that cached look-ups end
};

Table& table() {
    static auto* instance = new Table;
    return *instance;
}

bool is_device(MemoryKind kind) {
    return kind == MemoryKind::device || kind == MemoryKind::pool;
}

const char* kind_name(MemoryKind kind) {
    switch (kind) {
        case MemoryKind::device: return "memory";
        case MemoryKind::pool: return "pool-memory";
        default: return "pinned-memory";
    }
}

unsigned char guard_byte(std::size_t i) {
    return static_cast<unsigned char>(0xFF - (i % 7 == 6));  // mostly NaN when read, yet not uniform
}

void fill_guard(unsigned char* zone) {
    for (std::size_t i = 0; i < kGuardBytes; ++i) {
        zone[i] = guard_byte(i);
    }
}

bool guard_intact(const unsigned char* zone) {
    for (std::size_t i = 0; i < kGuardBytes; ++i) {
        if (zone[i] != guard_byte(i)) {
            return false;
        }
    }
    return true;
}

void check_guard(const Allocation& allocation) {
    const auto* start = reinterpret_cast<const unsigned char*>(allocation.base);
    if (!guard_intact(start - kGuardBytes)) {
        complain("memory before the %zu bytes at %p was written to", allocation.bytes, static_cast<const void*>(start));
        fill_guard(const_cast<unsigned char*>(start) - kGuardBytes);
    }
    if (!guard_intact(start + allocation.bytes)) {
        complain("memory behind the %zu bytes at %p was written to", allocation.bytes, static_cast<const void*>(start));
        fill_guard(const_cast<unsigned char*>(start) + allocation.bytes);
    }
}

/// Freed memory stays mapped and full of NaN for a while, so that a use after free reads NaN and is found in the table.
void quarantine(const Allocation& allocation) {
    Table& t = table();
    std::memset(reinterpret_cast<void*>(allocation.base), kPoisonByte, allocation.bytes);
    t.freed.push_back({allocation.base, allocation.bytes, allocation.block});
    t.freed_bytes += allocation.bytes;
    while (t.freed_bytes > kQuarantineBytes && !t.freed.empty()) {
        t.freed_bytes -= t.freed.front().bytes;
        std::free(t.freed.front().block);
        t.freed.pop_front();
    }
}

void end_allocation(std::map<std::uintptr_t, Allocation>::iterator entry) {
    Table& t = table();
    const Allocation allocation = entry->second;
    check_guard(allocation);
    t.live.erase(entry);
    ++t.generation;
    count_live(kind_name(allocation.kind), -1);
    if (is_device(allocation.kind)) {
        t.device_bytes -= allocation.bytes;
    }
    quarantine(allocation);
}

}  // namespace

void* allocate(std::size_t bytes, MemoryKind kind, Context* context) {
    Table& t = table();
    if (is_device(kind) &&
        (bytes > settings().device_memory_bytes || t.device_bytes > settings().device_memory_bytes - bytes)) {
        return nullptr;
    }
    constexpr std::size_t alignment = 512;
    const std::size_t padded = (bytes + 2 * kGuardBytes + alignment - 1) / alignment * alignment;
    void* block = std::aligned_alloc(alignment, padded);
    if (block == nullptr) {
        return nullptr;
    }
    auto* start = static_cast<unsigned char*>(block) + kGuardBytes;
    fill_guard(start - kGuardBytes);
    std::memset(start, kPoisonByte, bytes);
    fill_guard(start + bytes);
    Allocation allocation;
    allocation.base = reinterpret_cast<std::uintptr_t>(start);
    allocation.bytes = bytes;
    allocation.kind = kind;
    allocation.context = context;
    allocation.block = block;
    t.live[allocation.base] = allocation;
    count_live(kind_name(kind), 1);
    if (is_device(kind)) {
        t.device_bytes += bytes;
        t.peak_bytes = std::max(t.peak_bytes, t.device_bytes);
    }
    return start;
}

bool release(void* start, MemoryKind kind) {
    Table& t = table();
    const auto found = t.live.find(reinterpret_cast<std::uintptr_t>(start));
    if (found == t.live.end() || found->second.kind != kind) {
        return false;
    }
    end_allocation(found);
    return true;
}

int release_all(Context* context) {
    Table& t = table();
    int released = 0;
    for (auto entry = t.live.begin(); entry != t.live.end();) {
        const auto here = entry++;
        if (here->second.context == context) {
            end_allocation(here);
            ++released;
        }
    }
    return released;
}

const Allocation* find_allocation(const void* address) {
    const auto value = reinterpret_cast<std::uintptr_t>(address);
    Table& t = table();
    auto next = t.live.upper_bound(value);
    if (next == t.live.begin()) {
        return nullptr;
    }
    const Allocation& candidate = std::prev(next)->second;
    return value < candidate.base + std::max<std::size_t>(candidate.bytes, 1) ? &candidate : nullptr;
}

std::string check_access(const void* address, std::size_t bytes, std::size_t alignment) {
    if (address == nullptr) {
        return "null pointer";
    }
    const auto value = reinterpret_cast<std::uintptr_t>(address);
    const Allocation* allocation = find_allocation(address);
    if (allocation == nullptr) {
        for (const Quarantined& freed : table().freed) {
            if (value >= freed.base && value < freed.base + freed.bytes) {
                return format("%p lies in memory that was freed (%zu bytes at %p)", address, freed.bytes,
                              reinterpret_cast<void*>(freed.base));
            }
        }
        return format("%p is no device memory", address);
    }
    const std::size_t left = allocation->base + allocation->bytes - value;
    if (bytes > left) {
        return format("%zu bytes at %p end %zu bytes behind the allocation of %zu bytes at %p", bytes, address,
                      bytes - left, allocation->bytes, reinterpret_cast<void*>(allocation->base));
    }
    if (value % alignment != 0) {
        return format("%p is not aligned to %zu bytes", address, alignment);
    }
    return {};
}

const char* check_kernel_access(const void* address, std::size_t bytes, std::size_t alignment, bool) {
    thread_local std::uintptr_t base = 0;
    thread_local std::uintptr_t end = 0;
    thread_local std::uint64_t generation = 0;
    thread_local std::string message;
    const auto value = reinterpret_cast<std::uintptr_t>(address);
    if (generation == table().generation && value >= base && value + bytes <= end && value % alignment == 0) {
        return nullptr;
    }
    message = check_access(address, bytes, alignment);
    if (!message.empty()) {
        return message.c_str();
    }
    const Allocation* allocation = find_allocation(address);
    base = allocation->base;
    end = base + allocation->bytes;
    generation = table().generation;
    return nullptr;
}

void poison(void* start, std::size_t bytes) {
    std::memset(start, kPoisonByte, bytes);
}

void check_guards() {
    for (const auto& entry : table().live) {
        check_guard(entry.second);
    }
}

bool is_page_locked(const void* address) {
    const Allocation* allocation = find_allocation(address);
    return allocation != nullptr && !is_device(allocation->kind);
}

std::size_t device_bytes_in_use() {
    return table().device_bytes;
}

std::size_t device_bytes_peak() {
    return table().peak_bytes;
}

}  // namespace simgpu
