// Carries out, in software, the AMX instructions that this processor does not know: a handler for SIGILL. What it does not
// know either goes to the handler that was there before. Only for tests: an instruction costs a microsecond.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "decode.h"
#include "tiles.h"

namespace {

using namespace amxtrap;

struct sigaction g_previous;

// A thread takes a state when it configures tiles, and gives it back when it releases them. Pointers in the static block of
// thread-local memory, and states in a pool: a signal handler may not allocate.
constexpr int kMostStates = 256;
State g_states[kMostStates];
int g_taken[kMostStates];
State g_none;  // what a thread without tiles has; never written
__thread State* t_state __attribute__((tls_model("initial-exec")));

State* take() {
    for (int i = 0; i < kMostStates; i++) {
        int free = 0;
        if (__atomic_compare_exchange_n(&g_taken[i], &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return &g_states[i];
    }
    return nullptr;
}

void release() {
    if (t_state)
        __atomic_store_n(&g_taken[t_state - g_states], 0, __ATOMIC_RELEASE);
    t_state = nullptr;
}

void say(const char* text) {
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return;
}

[[noreturn]] void refuse(Kind kind, Broken rule) {
    say("amxtrap: ");
    say(kNames[int(kind)]);
    say(": ");
    say(rule);
    say("\n");
    abort();
}

Broken configure(const uint8_t* from) {
    Configuration wanted;
    memcpy(&wanted, from, sizeof wanted);
    if (!t_state && !(t_state = take()))
        return "more threads hold tiles than there is room for";
    Broken rule = amxtrap::configure(*t_state, wanted);
    if (!rule && wanted.palette == 0)
        release();
    return rule;
}

Broken execute(const Instruction& i) {
    State& state = t_state ? *t_state : g_none;
    switch (i.kind) {
    case Kind::ldtilecfg: return configure(i.address);
    case Kind::sttilecfg: memcpy(i.address, &state.configuration, sizeof state.configuration); return nullptr;
    case Kind::tilerelease: release(); return nullptr;
    case Kind::tilezero: return zero(state, i.tile);
    case Kind::tileloadd:
    case Kind::tileloaddt1: return load(state, i.tile, i.address, i.stride);
    case Kind::tilestored: return store(state, i.tile, i.address, i.stride);
    case Kind::tdpbf16ps: return multiply(state, i.tile, i.a, i.b);
    }
    return "unknown";
}

void pass_on(int signal, siginfo_t* info, void* context) {
    if (g_previous.sa_flags & SA_SIGINFO) {
        g_previous.sa_sigaction(signal, info, context);
    } else if (g_previous.sa_handler == SIG_DFL || g_previous.sa_handler == SIG_IGN) {
        // The instruction fails once more, and ends the process as it would have without this handler.
        sigaction(SIGILL, &g_previous, nullptr);
    } else {
        g_previous.sa_handler(signal);
    }
}

void on_illegal_instruction(int signal, siginfo_t* info, void* context) {
    greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    Instruction instruction;
    if (!decode(reinterpret_cast<const uint8_t*>(registers[REG_RIP]), registers, instruction)) {
        pass_on(signal, info, context);
        return;
    }
    if (Broken rule = execute(instruction))
        refuse(instruction.kind, rule);
    registers[REG_RIP] += instruction.length;
}

}  // namespace

// Installs the handler for the whole process. 0, or -1 where the processor lacks AVX-512, which the software uses.
extern "C" __attribute__((visibility("default"))) int amxtrap_install() {
    if (!__builtin_cpu_supports("x86-64-v4"))
        return -1;
    if (sigaction(SIGILL, nullptr, &g_previous) != 0)
        return -1;
    struct sigaction action = {};
    action.sa_sigaction = on_illegal_instruction;
    action.sa_mask = g_previous.sa_mask;
    // On the stack on which the handler before would have run.
    action.sa_flags = SA_SIGINFO | (g_previous.sa_flags & (SA_ONSTACK | SA_RESTART));
    return sigaction(SIGILL, &action, nullptr);
}
