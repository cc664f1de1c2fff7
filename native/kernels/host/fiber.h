// Stacks to run on, and the switch between them.
#pragma once

#include <cstddef>

namespace host_gpu {

/// A place where execution can continue.
struct Context {
    void* stack_pointer = nullptr;
    void* machine = nullptr;
    void* sanitizer_stack = nullptr;
    const void* stack_bottom = nullptr;
    std::size_t stack_bytes = 0;
};

/// Memory for one fiber, with an unreadable page below it.
class Stack {
public:
    Stack();
    ~Stack();
    Stack(const Stack&) = delete;
    Stack& operator=(const Stack&) = delete;

    /// Makes `context` start `entry` on this stack. `entry` must never return.
    void prepare(Context& context, void (*entry)());

private:
    void* memory_;
    void* machine_ = nullptr;
};

/// Saves this place in `from` and continues `to`. `from_ends` says that nobody will come back to `from`.
void switch_context(Context& from, Context& to, bool from_ends = false);

/// The first thing a fiber does: tells the sanitizer that it arrived, and where it came from.
void arrived(Context& self, Context& scheduler);

}  // namespace host_gpu
