#include "block.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "fiber.h"

namespace host_gpu {

thread_local ThreadView* running_thread = nullptr;
thread_local BlockView* running_block = nullptr;
simgpu::AccessCheck access_check = nullptr;

namespace {

constexpr unsigned kLanes = 32;
constexpr std::size_t kStaticSharedBytes = 48 * 1024;
constexpr unsigned kMaxThreads = 256;  // The launch bound of every kernel.

enum class State { kNew, kReady, kAtBarrier, kInExchange, kEnded };

struct Fiber {
    Context context;
    Stack* stack = nullptr;
    ThreadView view{};
    unsigned number = 0;
    State state = State::kNew;
    int line = 0;
};

/// One collective at a time: a lane can only be one ahead of the slowest, hence two sets of words.
struct Warp {
    std::uint64_t words[2][kLanes];
    unsigned arrived = 0;
    unsigned parity = 0;
    int line = 0;
};

struct SharedSlot {
    const void* tag;
    std::size_t bytes;
    std::unique_ptr<unsigned char[]> memory;
    bool fresh;
};

class Scheduler {
public:
    Scheduler(const char* kernel, BlockView& block, void (*body)(void* const*), void* const* parameters)
        : kernel_(kernel), block_(block), body_(body), parameters_(parameters) {}

    void run_block();
    void run_fiber();
    void wait_at_barrier(int line);
    std::uint64_t exchange(std::uint64_t word, int bits, int line);
    void* shared_memory(const void* tag, std::size_t bytes);
    [[noreturn]] void fail(int status, const char* message);

    static thread_local Scheduler* current;

private:
    void resume(Fiber& fiber);
    void pause();
    void end();
    void release(State waiting, unsigned begin, unsigned end);
    void report_deadlock();

    const char* kernel_;
    BlockView& block_;
    void (*body_)(void* const*);
    void* const* parameters_;
    Context home_;
    std::vector<Fiber> fibers_;
    std::vector<Warp> warps_;
    std::vector<SharedSlot> shared_;
    std::size_t shared_bytes_ = 0;
    Fiber* running_ = nullptr;
    const Fiber* last_at_barrier_ = nullptr;
    unsigned live_ = 0;
    unsigned at_barrier_ = 0;
    unsigned passes_ = 0;
    bool faulted_ = false;
    simgpu::KernelFault kernel_fault_{};
};

thread_local Scheduler* Scheduler::current = nullptr;

/// Stacks that no fiber uses; most recently used last.
thread_local std::vector<std::unique_ptr<Stack>> spare_stacks;

void fiber_entry() {
    for (;;)
        Scheduler::current->run_fiber();
}

/// Runs on a fiber's stack, from its first instruction to its last. When a thread ends without having waited, the next
/// new thread starts on the same stack.
void Scheduler::run_fiber() {
    arrived(running_->context, home_);
    try {
        body_(parameters_);
    } catch (const simgpu::KernelFault& caught) {
        faulted_ = true;
        kernel_fault_ = caught;
    }
    running_->state = State::kEnded;
    switch_context(running_->context, home_, true);
}

void Scheduler::resume(Fiber& fiber) {
    if (fiber.state == State::kNew) {
        if (spare_stacks.empty())
            spare_stacks.push_back(std::make_unique<Stack>());
        fiber.stack = spare_stacks.back().release();
        spare_stacks.pop_back();
        fiber.stack->prepare(fiber.context, fiber_entry);
    }
    fiber.state = State::kReady;
    running_ = &fiber;
    running_thread = &fiber.view;
    switch_context(home_, fiber.context);
    running_thread = nullptr;
    running_ = nullptr;
    if (fiber.state == State::kEnded || faulted_) {
        spare_stacks.emplace_back(fiber.stack);
        fiber.stack = nullptr;
        end();
    }
}

void Scheduler::end() {
    live_--;
    if (live_ > 0 && at_barrier_ == live_)
        release(State::kAtBarrier, 0, static_cast<unsigned>(fibers_.size()));
}

void Scheduler::release(State waiting, unsigned begin, unsigned end) {
    for (unsigned i = begin; i < end; i++)
        if (fibers_[i].state == waiting)
            fibers_[i].state = State::kReady;
    if (waiting == State::kAtBarrier)
        at_barrier_ = 0;
}

void Scheduler::pause() { switch_context(running_->context, home_); }

void Scheduler::wait_at_barrier(int line) {
    // All that wait do so at one line: it is enough to ask the last that came.
    if (at_barrier_ > 0 && last_at_barrier_->line != line)
        fault(kStatusLaunchFailed, "a barrier at line %d while thread %u waits at the barrier of line %d", line,
              last_at_barrier_->number, last_at_barrier_->line);
    at_barrier_++;
    if (at_barrier_ == live_) {
        release(State::kAtBarrier, 0, static_cast<unsigned>(fibers_.size()));
        return;
    }
    running_->state = State::kAtBarrier;
    running_->line = line;
    last_at_barrier_ = running_;
    pause();
}

std::uint64_t Scheduler::exchange(std::uint64_t word, int bits, int line) {
    const unsigned lane = running_->number % kLanes;
    const unsigned first = running_->number - lane;
    if (fibers_.size() % kLanes != 0)
        fault(kStatusLaunchFailed, "a shuffle of all lanes in a block of %zu threads", fibers_.size());
    if (bits <= 0 || bits >= static_cast<int>(kLanes))
        fault(kStatusLaunchFailed, "a shuffle over %d lanes", bits);
    Warp& warp = warps_[running_->number / kLanes];
    if (warp.arrived > 0 && warp.line != line)
        fault(kStatusLaunchFailed, "a shuffle at line %d while other lanes of the warp wait at line %d", line, warp.line);
    const unsigned parity = warp.parity;
    warp.words[parity][lane] = word;
    warp.line = line;
    if (++warp.arrived == kLanes) {
        warp.arrived = 0;
        warp.parity ^= 1;
        release(State::kInExchange, first, first + kLanes);
    } else {
        running_->state = State::kInExchange;
        running_->line = line;
        pause();
    }
    return warp.words[parity][lane ^ static_cast<unsigned>(bits)];
}

void* Scheduler::shared_memory(const void* tag, std::size_t bytes) {
    for (SharedSlot& slot : shared_)
        if (slot.tag == tag) {
            if (slot.fresh)
                std::memset(slot.memory.get(), 0xff, slot.bytes);
            slot.fresh = false;
            return slot.memory.get();
        }
    shared_bytes_ += bytes;
    if (shared_bytes_ > kStaticSharedBytes)
        fault(kStatusLaunchOutOfResources, "%zu bytes of shared memory; a block has %zu", shared_bytes_, kStaticSharedBytes);
    shared_.push_back({tag, bytes, std::make_unique<unsigned char[]>(bytes), false});
    std::memset(shared_.back().memory.get(), 0xff, bytes);
    return shared_.back().memory.get();
}

void Scheduler::report_deadlock() {
    for (Fiber& fiber : fibers_)
        if (fiber.state == State::kAtBarrier || fiber.state == State::kInExchange) {
            running_ = &fiber;
            try {
                fault(kStatusLaunchFailed, "waits for ever at the %s of line %d: other threads ended or wait elsewhere",
                      fiber.state == State::kAtBarrier ? "barrier" : "shuffle", fiber.line);
            } catch (const simgpu::KernelFault& caught) {
                faulted_ = true;
                kernel_fault_ = caught;
            }
            return;
        }
}

void Scheduler::run_block() {
    const Dim3 extent = block_.block_extent;
    const unsigned threads = extent.x * extent.y * extent.z;
    fibers_.resize(threads);
    warps_.assign((threads + kLanes - 1) / kLanes, Warp());
    for (unsigned i = 0; i < threads; i++) {
        fibers_[i] = Fiber();
        fibers_[i].number = i;
        fibers_[i].view.index = {i % extent.x, i / extent.x % extent.y, i / (extent.x * extent.y)};
    }
    for (SharedSlot& slot : shared_)
        slot.fresh = true;
    live_ = threads;
    at_barrier_ = 0;
    while (live_ > 0) {
        // Every other pass goes backwards, so that no kernel can lean on the order of threads.
        const bool backwards = passes_++ % 2 != 0;
        bool progress = false;
        for (unsigned i = 0; i < threads && !faulted_; i++) {
            Fiber& fiber = fibers_[backwards ? threads - 1 - i : i];
            if (fiber.state != State::kNew && fiber.state != State::kReady)
                continue;
            progress = true;
            resume(fiber);
        }
        if (!progress && !faulted_)
            report_deadlock();
        if (faulted_)
            break;
    }
    for (Fiber& fiber : fibers_)
        if (fiber.stack != nullptr)
            spare_stacks.emplace_back(std::exchange(fiber.stack, nullptr));
    if (faulted_)
        throw kernel_fault_;
}

[[noreturn]] void Scheduler::fail(int status, const char* message) {
    simgpu::KernelFault thrown{status, {}};
    const Dim3 thread = running_ != nullptr ? running_->view.index : Dim3{0, 0, 0};
    std::snprintf(thrown.message, sizeof thrown.message, "%s, block (%u, %u, %u), thread (%u, %u, %u): %s", kernel_,
                  block_.index.x, block_.index.y, block_.index.z, thread.x, thread.y, thread.z, message);
    throw thrown;
}

}  // namespace

void fault(int status, const char* format, ...) {
    char message[200];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    Scheduler::current->fail(status, message);
}

void block_barrier(int line) { Scheduler::current->wait_at_barrier(line); }

std::uint64_t exchange(std::uint64_t word, int bits, int line) { return Scheduler::current->exchange(word, bits, line); }

void* shared_memory(const void* tag, std::size_t bytes) { return Scheduler::current->shared_memory(tag, bytes); }

void run_grid(const char* kernel, simgpu::Extent grid, simgpu::Extent block, void (*body)(void* const*),
              void* const* parameters) {
    static thread_local unsigned launches = 0;
    BlockView view{{0, 0, 0}, {block.x, block.y, block.z}, {grid.x, grid.y, grid.z}};
    Scheduler scheduler(kernel, view, body, parameters);
    struct Running {
        Scheduler* outer_scheduler = Scheduler::current;
        BlockView* outer_block = running_block;
        ~Running() {
            Scheduler::current = outer_scheduler;
            running_block = outer_block;
        }
    } restore;
    Scheduler::current = &scheduler;
    running_block = &view;
    const std::size_t threads = static_cast<std::size_t>(block.x) * block.y * block.z;
    if (threads == 0 || grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.y > 65535 || grid.z > 65535)
        fault(kStatusInvalidValue, "a grid of %u x %u x %u blocks of %u x %u x %u threads", grid.x, grid.y, grid.z,
              block.x, block.y, block.z);
    if (threads > kMaxThreads)
        fault(kStatusLaunchOutOfResources, "%zu threads a block; its launch bound is %u", threads, kMaxThreads);
    const std::size_t blocks = static_cast<std::size_t>(grid.x) * grid.y * grid.z;
    // Every other launch takes the blocks backwards, so that no kernel can lean on their order.
    const bool backwards = launches++ % 2 != 0;
    for (std::size_t i = 0; i < blocks; i++) {
        const std::size_t at = backwards ? blocks - 1 - i : i;
        view.index = {static_cast<unsigned>(at % grid.x), static_cast<unsigned>(at / grid.x % grid.y),
                      static_cast<unsigned>(at / grid.x / grid.y)};
        scheduler.run_block();
    }
}

}  // namespace host_gpu
