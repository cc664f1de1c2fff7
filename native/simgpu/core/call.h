// Every exported entry point opens one Call: it holds the lock of the simulated machine, counts the call and asks the
// script whether this call is to fail.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace simgpu {

/// One lock for the whole machine: entry points are short, and deferred work runs under it in a chosen order.
std::recursive_mutex& machine_lock();

class Call {
public:
    explicit Call(const char* function);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    /// The status that the script wants from this call; 0 where it may run.
    int injected() const { return injected_; }

    /// For releases, which fail only after they have released: what they answer.
    int after(int status) const { return injected_ != 0 ? injected_ : status; }

private:
    std::unique_lock<std::recursive_mutex> lock_;
    const char* outer_;
    int injected_ = 0;
};

/// Counts what is more than its entry point says, for simgpu_query.
void count_call(const char* what);

/// Counts device work that runs, by the call that enqueued it.
void count_run(const char* what);

/// The entry point, or the deferred work, that runs on this thread; "" outside both.
const char* current_call();

/// Names deferred work while it runs, so that complaints name what was enqueued.
class CallName {
public:
    explicit CallName(const char* name);
    ~CallName();
    CallName(const CallName&) = delete;
    CallName& operator=(const CallName&) = delete;

private:
    const char* outer_;
};

/// Keeps "entry point: message" for simgpu_complaint, and prints it where SIMGPU_LOG is set. A complaint is a fault of
/// the caller that a device might not have noticed; tests assert that there is none.
[[gnu::format(printf, 1, 2)]] void complain(const char* format, ...);

/// What cudnnGetLastErrorString answers on this thread, and simgpu_last_refusal.
[[gnu::format(printf, 1, 2)]] void refuse(const char* format, ...);
const std::string& last_refusal();
void clear_refusal();

std::string format(const char* format, ...) __attribute__((format(printf, 1, 2)));

/// Settings that the script changes.
struct Settings {
    int devices = 1;
    std::size_t device_memory_bytes = std::size_t{8} << 30;
    std::uint64_t seed = 1;
    enum class Order { random, lazy, eager } order = Order::random;
    enum class Heuristics { normal, nothing, garbage } heuristics = Heuristics::normal;
    int slow_queries = 0;       // so many queries of unfinished work answer "not ready" before any of it runs
    int hang_milliseconds = -1; // the next wait blocks for so long and the context dies of a timeout
    int kernel_fault_after = 0; // the n-th piece of device work from now faults
    int kernel_fault_status = 0;
    int compute_capability = 90;
    bool pools = true;          // stream-ordered allocation
    std::map<long, int> refused_engines; // cuDNN's engines by number, and how their execution is refused
    std::set<long> absent_engines;       // are not offered, and refused where they are asked for
};
Settings& settings();

/// What crossed the bus towards the device, for simgpu_query("bytes.to_device").
void count_bytes_to_device(std::size_t bytes);

/// Live objects by kind ("stream", "cudnn.descriptor", ...).
void count_live(const char* kind, int change);
std::int64_t live(const std::string& kind);
std::string live_report(const char* prefix);

}  // namespace simgpu

#define SIM_EXPORT extern "C" __attribute__((visibility("default")))

/// First statement of an entry point that returns a status of its library.
#define SIM_CALL(type, function)                                   \
    ::simgpu::Call sim_call(#function);                            \
    if (sim_call.injected() != 0) {                                \
        return static_cast<type>(sim_call.injected());             \
    }

/// First statement of an entry point that releases something; it ends in `return sim_call.after(status)`.
#define SIM_RELEASE(function) ::simgpu::Call sim_call(#function);
