#include "buffer.h"

#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <vector>

namespace simgpu {
namespace {

struct Shelf {
    std::mutex mutex;
    std::map<std::size_t, std::vector<float*>> free;
    std::size_t bytes = 0;
};

Shelf& shelf() {
    static auto* instance = new Shelf;
    return *instance;
}

constexpr std::size_t kKeptBytes = std::size_t{512} << 20;

std::size_t size_class(std::size_t count) {
    std::size_t size = 64;
    while (size < count) {
        size += size / 4 + 16;  // steps of a quarter
    }
    return size;
}

}  // namespace

std::shared_ptr<float> take_buffer(std::size_t count) {
    const std::size_t size = size_class(count);
    Shelf& s = shelf();
    float* memory = nullptr;
    {
        std::lock_guard<std::mutex> guard(s.mutex);
        auto& ready = s.free[size];
        if (!ready.empty()) {
            memory = ready.back();
            ready.pop_back();
            s.bytes -= size * sizeof(float);
        }
    }
    if (memory == nullptr) {
        memory = static_cast<float*>(std::aligned_alloc(64, (size * sizeof(float) + 63) / 64 * 64));
        if (memory == nullptr) {
            throw std::bad_alloc();
        }
    }
    return {memory, [size](float* back) {
                Shelf& to = shelf();
                std::lock_guard<std::mutex> guard(to.mutex);
                if (to.bytes + size * sizeof(float) > kKeptBytes) {
                    std::free(back);
                    return;
                }
                to.free[size].push_back(back);
                to.bytes += size * sizeof(float);
            }};
}

}  // namespace simgpu
