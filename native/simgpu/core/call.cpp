#include "call.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>
#include <vector>

namespace simgpu {

int run_script(const char* script);

namespace {

struct Fault {
    std::string function;
    long call = 0;  // 0: every call
    int status = 0;
    long seen = 0;
};

struct Record {
    std::map<std::string, std::int64_t> calls;
    std::map<std::string, std::int64_t> runs;
    std::map<std::string, std::int64_t> live;
    std::vector<std::string> complaints;
    std::int64_t complaint_count = 0;
    std::int64_t bytes_to_device = 0;
    std::vector<Fault> faults;
    Settings settings;
    bool print = std::getenv("SIMGPU_LOG") != nullptr;
};

thread_local const char* running = "";
thread_local std::string refusal;

/// Never destroyed: objects may be released while the process ends.
Record& record() {
    static Record* instance = [] {
        auto* made = new Record;
        return made;
    }();
    return *instance;
}

void load_environment_once() {
    static bool done = false;
    if (done) {
        return;
    }
    done = true;
    if (const char* script = std::getenv("SIMGPU_SCRIPT")) {
        run_script(script);
    }
}

bool run_command(const std::string& line) {
    std::istringstream in(line);
    std::string verb;
    if (!(in >> verb)) {
        return true;
    }
    Record& r = record();
    if (verb == "fail") {
        Fault fault;
        std::string nth;
        if (!(in >> fault.function >> nth >> fault.status)) {
            return false;
        }
        fault.call = nth == "*" ? 0 : std::strtol(nth.c_str(), nullptr, 10);
        r.faults.push_back(fault);
        return true;
    }
    std::string word;
    if (verb == "reset") {
        r.faults.clear();
        r.settings = Settings{};
        return true;
    }
    if (verb == "clear-faults") {
        r.faults.clear();
        return true;
    }
    if (verb == "memory") {
        return static_cast<bool>(in >> r.settings.device_memory_bytes);
    }
    if (verb == "devices") {
        return static_cast<bool>(in >> r.settings.devices);
    }
    if (verb == "seed") {
        return static_cast<bool>(in >> r.settings.seed);
    }
    if (verb == "slow") {
        return static_cast<bool>(in >> r.settings.slow_queries);
    }
    if (verb == "hang") {
        return static_cast<bool>(in >> r.settings.hang_milliseconds);
    }
    if (verb == "kernel-fault") {
        return static_cast<bool>(in >> r.settings.kernel_fault_after >> r.settings.kernel_fault_status);
    }
    if (verb == "compute-capability") {
        return static_cast<bool>(in >> r.settings.compute_capability);
    }
    if (verb == "pools") {
        return static_cast<bool>(in >> r.settings.pools);
    }
    if (verb == "refuse") {
        long engine = 0;
        int status = 0;
        if (!(in >> engine >> status)) {
            return false;
        }
        r.settings.refused_engines[engine] = status;
        return true;
    }
    if (verb == "without") {
        long engine = 0;
        if (!(in >> engine)) {
            return false;
        }
        r.settings.absent_engines.insert(engine);
        return true;
    }
    if (verb == "order" && in >> word) {
        using Order = Settings::Order;
        if (word != "random" && word != "lazy" && word != "eager") {
            return false;
        }
        r.settings.order = word == "random" ? Order::random : word == "lazy" ? Order::lazy : Order::eager;
        return true;
    }
    if (verb == "heuristics" && in >> word) {
        using Heuristics = Settings::Heuristics;
        if (word != "normal" && word != "nothing" && word != "garbage") {
            return false;
        }
        r.settings.heuristics =
            word == "normal" ? Heuristics::normal : word == "nothing" ? Heuristics::nothing : Heuristics::garbage;
        return true;
    }
    return false;
}

}  // namespace

/// Commands parted by ';' or line ends. Returns how many were not understood, and complains about each.
int run_script(const char* script) {
    std::string text(script);
    for (char& c : text) {
        if (c == ';') {
            c = '\n';
        }
    }
    std::istringstream in(text);
    std::string line;
    int bad = 0;
    while (std::getline(in, line)) {
        if (!run_command(line)) {
            complain("script line \"%s\" is not understood", line.c_str());
            ++bad;
        }
    }
    return bad;
}

std::recursive_mutex& machine_lock() {
    static auto* lock = new std::recursive_mutex;
    return *lock;
}

Settings& settings() {
    return record().settings;
}

void count_call(const char* what) {
    ++record().calls[what];
}

void count_run(const char* what) {
    ++record().runs[what];
}

Call::Call(const char* function) : lock_(machine_lock()), outer_(running) {
    load_environment_once();
    running = function;
    Record& r = record();
    ++r.calls[function];
    for (std::size_t i = 0; i < r.faults.size(); ++i) {
        Fault& fault = r.faults[i];
        if (fault.function != function) {
            continue;
        }
        ++fault.seen;
        if (fault.call == 0 || fault.seen == fault.call) {
            injected_ = fault.status;
            refuse("the script made this call fail with %d", fault.status);
            if (fault.call != 0) {
                r.faults.erase(r.faults.begin() + static_cast<std::ptrdiff_t>(i));
            }
            return;
        }
    }
}

Call::~Call() {
    running = outer_;
}

void count_bytes_to_device(std::size_t bytes) { record().bytes_to_device += static_cast<std::int64_t>(bytes); }

const char* current_call() {
    return running;
}

CallName::CallName(const char* name) : outer_(running) {
    running = name;
}

CallName::~CallName() {
    running = outer_;
}

static std::string vformat(const char* text, va_list arguments) {
    char buffer[1024];
    std::vsnprintf(buffer, sizeof buffer, text, arguments);
    return buffer;
}

std::string format(const char* text, ...) {
    va_list arguments;
    va_start(arguments, text);
    std::string result = vformat(text, arguments);
    va_end(arguments);
    return result;
}

void complain(const char* text, ...) {
    va_list arguments;
    va_start(arguments, text);
    std::string message = std::string(running) + ": " + vformat(text, arguments);
    va_end(arguments);
    std::lock_guard<std::recursive_mutex> guard(machine_lock());
    Record& r = record();
    ++r.complaint_count;
    if (r.complaints.size() < 1000) {
        r.complaints.push_back(message);
    }
    if (r.print) {
        std::fprintf(stderr, "simgpu: %s\n", message.c_str());
    }
}

void refuse(const char* text, ...) {
    va_list arguments;
    va_start(arguments, text);
    refusal = std::string(running) + ": " + vformat(text, arguments);
    va_end(arguments);
    if (record().print) {
        std::fprintf(stderr, "simgpu: %s (refused)\n", refusal.c_str());
    }
}

const std::string& last_refusal() {
    return refusal;
}

void clear_refusal() {
    refusal.clear();
}

void count_live(const char* kind, int change) {
    std::lock_guard<std::recursive_mutex> guard(machine_lock());
    record().live[kind] += change;
}

std::int64_t live(const std::string& kind) {
    const auto found = record().live.find(kind);
    return found == record().live.end() ? 0 : found->second;
}

std::string live_report(const char* prefix) {
    std::string text;
    for (const auto& [kind, count] : record().live) {
        if (count != 0 && kind.compare(0, std::strlen(prefix), prefix) == 0) {
            text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + kind;
        }
    }
    return text;
}

static int copy_text(const std::string& text, char* buffer, int capacity) {
    if (buffer != nullptr && capacity > 0) {
        std::snprintf(buffer, static_cast<std::size_t>(capacity), "%s", text.c_str());
    }
    return static_cast<int>(text.size());
}

}  // namespace simgpu

using namespace simgpu;

/// Runs commands parted by ';' or line ends, and returns how many were not understood:
///   fail FUNCTION N STATUS   the N-th call from now ('*': every call) returns STATUS
///   kernel-fault N STATUS    the N-th kernel, plan or matmul from now faults on the device; the context is lost
///   memory BYTES, devices N, seed N, order random|lazy|eager, heuristics normal|nothing|garbage,
///   refuse ENGINE STATUS     cudnnBackendExecute refuses plans of the engine, which finalize took
///   without ENGINE           cuDNN has no such engine
///   slow QUERIES, hang MILLISECONDS, compute-capability N, pools 0|1, clear-faults, reset
SIM_EXPORT int simgpu_script(const char* script) {
    std::lock_guard<std::recursive_mutex> guard(machine_lock());
    load_environment_once();
    return run_script(script);
}

/// "calls.FUNCTION", "ran.FUNCTION" (device work of such calls that has run), "live.KIND", "complaints", "bytes.to_device";
/// -1 for another key.
SIM_EXPORT std::int64_t simgpu_query(const char* key) {
    std::lock_guard<std::recursive_mutex> guard(machine_lock());
    const std::string text(key);
    if (text == "complaints") {
        return record().complaint_count;
    }
    if (text == "bytes.to_device") {
        return record().bytes_to_device;
    }
    if (text.compare(0, 6, "calls.") == 0) {
        const auto found = record().calls.find(text.substr(6));
        return found == record().calls.end() ? 0 : found->second;
    }
    if (text.compare(0, 4, "ran.") == 0) {
        const auto found = record().runs.find(text.substr(4));
        return found == record().runs.end() ? 0 : found->second;
    }
    if (text == "live") {
        std::int64_t sum = 0;
        for (const auto& [kind, count] : record().live) {
            sum += count;
        }
        return sum;
    }
    return text.compare(0, 5, "live.") == 0 ? live(text.substr(5)) : -1;
}

/// "3 stream, 1 cudnn.handle": what is alive, "" where nothing is. Returns the length of the text.
SIM_EXPORT int simgpu_live(char* buffer, int capacity) {
    std::lock_guard<std::recursive_mutex> guard(machine_lock());
    return copy_text(live_report(""), buffer, capacity);
}

/// The index-th complaint since the last clear; returns its length, or -1 where there is none.
SIM_EXPORT int simgpu_complaint(int index, char* buffer, int capacity) {
    std::lock_guard<std::recursive_mutex> guard(machine_lock());
    const auto& all = record().complaints;
    return index < 0 || index >= static_cast<int>(all.size())
        ? -1
        : copy_text(all[static_cast<std::size_t>(index)], buffer, capacity);
}

SIM_EXPORT void simgpu_clear() {
    std::lock_guard<std::recursive_mutex> guard(machine_lock());
    record().complaints.clear();
    record().complaint_count = 0;
    record().calls.clear();
    record().runs.clear();
    record().bytes_to_device = 0;
}

/// Why the last refusing call on this thread refused.
SIM_EXPORT int simgpu_last_refusal(char* buffer, int capacity) {
    return copy_text(last_refusal(), buffer, capacity);
}
