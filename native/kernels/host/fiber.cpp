#include "fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define HOST_GPU_ASAN 1
#endif

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace host_gpu {
namespace {

#ifdef HOST_GPU_ASAN
constexpr std::size_t kStackBytes = 512 * 1024;
#else
constexpr std::size_t kStackBytes = 128 * 1024;
#endif

std::size_t page_bytes() {
    static const std::size_t bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    return bytes;
}

}  // namespace

Stack::Stack() {
    memory_ = mmap(nullptr, kStackBytes + page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED)
        throw std::bad_alloc();
    mprotect(memory_, page_bytes(), PROT_NONE);
#if !defined(__x86_64__)
    machine_ = new ucontext_t;
#endif
}

Stack::~Stack() {
    munmap(memory_, kStackBytes + page_bytes());
#if !defined(__x86_64__)
    delete static_cast<ucontext_t*>(machine_);
#endif
}

#if defined(__x86_64__)

// The callee-saved registers of the System V ABI go onto the stack that is left.
asm(R"(
.text
.globl host_gpu_switch
.hidden host_gpu_switch
.type host_gpu_switch, @function
host_gpu_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size host_gpu_switch, .-host_gpu_switch
)");
extern "C" void host_gpu_switch(void** save, void* next);

void Stack::prepare(Context& context, void (*entry)()) {
    char* bottom = static_cast<char*>(memory_) + page_bytes();
    auto* top = reinterpret_cast<void**>(bottom + kStackBytes);
    // At entry the stack pointer is 8 below a multiple of 16, as after a call.
    *--top = nullptr;
    *--top = reinterpret_cast<void*>(entry);
    for (int i = 0; i < 6; i++)
        *--top = nullptr;
    context.stack_pointer = top;
    context.stack_bottom = bottom;
    context.stack_bytes = kStackBytes;
}

static void machine_switch(Context& from, Context& to) { host_gpu_switch(&from.stack_pointer, to.stack_pointer); }

#else

void Stack::prepare(Context& context, void (*entry)()) {
    auto* machine = static_cast<ucontext_t*>(machine_);
    getcontext(machine);
    context.stack_bottom = static_cast<char*>(memory_) + page_bytes();
    context.stack_bytes = kStackBytes;
    machine->uc_stack.ss_sp = static_cast<char*>(memory_) + page_bytes();
    machine->uc_stack.ss_size = kStackBytes;
    machine->uc_link = nullptr;
    makecontext(machine, entry, 0);
    context.machine = machine;
}

static void machine_switch(Context& from, Context& to) {
    ucontext_t here;
    if (from.machine == nullptr)
        from.machine = &here;
    swapcontext(static_cast<ucontext_t*>(from.machine), static_cast<ucontext_t*>(to.machine));
    if (from.machine == &here)
        from.machine = nullptr;
}

#endif

void switch_context(Context& from, Context& to, [[maybe_unused]] bool from_ends) {
#ifdef HOST_GPU_ASAN
    __sanitizer_start_switch_fiber(from_ends ? nullptr : &from.sanitizer_stack, to.stack_bottom, to.stack_bytes);
#endif
    machine_switch(from, to);
#ifdef HOST_GPU_ASAN
    __sanitizer_finish_switch_fiber(from.sanitizer_stack, nullptr, nullptr);
#endif
}

void arrived([[maybe_unused]] Context& self, [[maybe_unused]] Context& scheduler) {
#ifdef HOST_GPU_ASAN
    __sanitizer_finish_switch_fiber(nullptr, &scheduler.stack_bottom, &scheduler.stack_bytes);
#endif
}

}  // namespace host_gpu
