#include "parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

namespace simgpu {
namespace {

class Team {
public:
    explicit Team(int threads) {
        for (int i = 1; i < threads; ++i) {
            std::thread([this] { work(); }).detach();
        }
    }

    void run(std::int64_t count, const std::function<void(std::int64_t)>& body) {
        std::unique_lock<std::mutex> lock(mutex_);
        body_ = &body;
        count_ = count;
        next_ = 0;
        ++round_;
        wake_.notify_all();
        lock.unlock();
        drain();
        lock.lock();
        idle_.wait(lock, [this] { return working_ == 0; });
        body_ = nullptr;
    }

private:
    void drain() {
        for (std::int64_t i = next_++; i < count_; i = next_++) {
            (*body_)(i);
        }
    }

    void work() {
        std::unique_lock<std::mutex> lock(mutex_);
        for (std::uint64_t seen = 0;;) {
            wake_.wait(lock, [&] { return round_ != seen; });
            seen = round_;
            if (body_ == nullptr) {
                continue;
            }
            ++working_;
            lock.unlock();
            drain();
            lock.lock();
            if (--working_ == 0) {
                idle_.notify_one();
            }
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable idle_;
    const std::function<void(std::int64_t)>* body_ = nullptr;
    std::int64_t count_ = 0;
    std::atomic<std::int64_t> next_{0};
    std::uint64_t round_ = 0;
    int working_ = 0;
};

}  // namespace

int thread_count() {
    static const int count = [] {
        if (const char* wish = std::getenv("SIMGPU_THREADS")) {
            return std::max(1, std::atoi(wish));
        }
        return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 8);
    }();
    return count;
}

void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body) {
    if (count <= 1 || thread_count() == 1) {
        for (std::int64_t i = 0; i < count; ++i) {
            body(i);
        }
        return;
    }
    static auto* team = new Team(thread_count());
    team->run(count, body);
}

}  // namespace simgpu
