#include "streams.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "call.h"
#include "graphs.h"
#include "memory.h"

namespace simgpu {
namespace {

struct Scheduler {
    std::vector<Stream*> streams;  // live ones and destroyed ones that still hold work
    std::unordered_map<Context*, Stream*> defaults;
    std::unordered_set<const Event*> events;
    std::mt19937_64 random{settings().seed};
    std::uint64_t seeded_with = settings().seed;
    int next_id = 1;
    Stream* favourite = nullptr;
};

Scheduler& scheduler() {
    static auto* instance = new Scheduler;
    return *instance;
}

thread_local std::vector<Context*> contexts;

double now_milliseconds() {
    using Clock = std::chrono::steady_clock;
    return std::chrono::duration<double, std::milli>(Clock::now().time_since_epoch()).count();
}

/// Passes waits that are over and says whether work stands at the head.
bool is_runnable(Stream* stream) {
    while (!stream->entries.empty()) {
        const StreamEntry& head = stream->entries.front();
        if (head.kind != StreamEntry::Kind::wait) {
            return true;
        }
        if (!head.record->done) {
            return false;
        }
        stream->entries.pop_front();
    }
    return false;
}

void forget_if_drained(Stream* stream) {
    if (stream->destroyed && stream->entries.empty()) {
        auto& all = scheduler().streams;
        all.erase(std::remove(all.begin(), all.end(), stream), all.end());
        delete stream;
    }
}

void run_head(Stream* stream) {
    StreamEntry entry = std::move(stream->entries.front());
    stream->entries.pop_front();
    Context* context = stream->context;
    forget_if_drained(stream);
    if (entry.kind == StreamEntry::Kind::record) {
        entry.record->done = true;
        entry.record->milliseconds = now_milliseconds();
        return;
    }
    count_run(entry.name);
    CallName named(entry.name);
    try {
        if (entry.kind == StreamEntry::Kind::work && settings().kernel_fault_after > 0 &&
            --settings().kernel_fault_after == 0) {
            throw DeviceFault{settings().kernel_fault_status, "the script made this work fault"};
        }
        entry.work();
    } catch (const DeviceFault& fault) {
        if (fault.message.find("the script") == std::string::npos) {
            complain("%s", fault.message.c_str());
        }
        lose(context, fault.status, std::string(entry.name) + ": " + fault.message);
    }
}

/// Picks among the streams of a context whose head can run; null where none can.
Stream* pick(Context* context, Stream* wanted) {
    Scheduler& s = scheduler();
    std::vector<Stream*> ready;
    const std::vector<Stream*> all = s.streams;
    for (Stream* stream : all) {
        if (stream->context == context && is_runnable(stream)) {
            ready.push_back(stream);
        }
    }
    if (ready.empty()) {
        return nullptr;
    }
    const bool wanted_ready = wanted != nullptr && std::find(ready.begin(), ready.end(), wanted) != ready.end();
    switch (settings().order) {
        case Settings::Order::lazy:  // others fall as far behind as they may
            return wanted_ready ? wanted : ready.back();
        case Settings::Order::eager:  // others run ahead as far as they may
            for (Stream* stream : ready) {
                if (stream != wanted) {
                    return stream;
                }
            }
            return wanted;
        default: {
            // Long bursts of one stream show missing dependencies better than a fair mixture does.
            if (std::find(ready.begin(), ready.end(), s.favourite) == ready.end() || s.random() % 6 == 0) {
                s.favourite = ready[s.random() % ready.size()];
            }
            return s.favourite;
        }
    }
}

/// A script may let the device hang: the wait ends after a while with a timeout that sticks.
int hang(Context* context) {
    const int milliseconds = settings().hang_milliseconds;
    settings().hang_milliseconds = -1;
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    lose(context, kLaunchTimeout, "the script made the stream hang");
    return context->sticky;
}

template <typename Done>
int run_while(Context* context, Stream* wanted, Done done) {
    if (settings().hang_milliseconds >= 0) {
        return hang(context);
    }
    settings().slow_queries = 0;
    scheduler().favourite = nullptr;
    while (context->sticky == 0 && !done()) {
        Stream* next = pick(context, wanted);
        if (next == nullptr) {
            complain("a stream waits for an event that nothing will record: deadlock");
            lose(context, kLaunchTimeout, "deadlock between streams");
            break;
        }
        run_head(next);
    }
    return context->sticky;
}

}  // namespace

std::mt19937_64& scheduler_random() {
    Scheduler& s = scheduler();
    if (s.seeded_with != settings().seed) {
        s.seeded_with = settings().seed;
        s.random.seed(s.seeded_with);
    }
    return s.random;
}

Context* current_context() {
    return contexts.empty() ? nullptr : contexts.back();
}

void set_current_context(Context* context) {
    if (!contexts.empty()) {
        contexts.pop_back();
    }
    if (context != nullptr) {
        contexts.push_back(context);
    }
}

std::vector<Context*>& context_stack() {
    return contexts;
}

static Stream* add_stream(Context* context) {
    auto* stream = new Stream;
    stream->context = context;
    stream->id = scheduler().next_id++;
    scheduler_random();
    scheduler().streams.push_back(stream);
    return stream;
}

Stream* default_stream(Context* context) {
    Stream*& stream = scheduler().defaults[context];
    if (stream == nullptr) {
        stream = add_stream(context);
        stream->legacy = true;
    }
    return stream;
}

Stream* create_stream(Context* context, bool non_blocking) {
    Stream* stream = add_stream(context);
    stream->non_blocking = non_blocking;
    count_live("stream", 1);
    return stream;
}

void destroy_stream(Stream* stream) {
    stream->destroyed = true;
    count_live("stream", -1);
    forget_if_drained(stream);
}

bool is_live(const Stream* stream) {
    const auto& all = scheduler().streams;
    return std::find(all.begin(), all.end(), stream) != all.end() && !stream->destroyed;
}

Stream* resolve_stream(void* handle) {
    if (reinterpret_cast<std::uintptr_t>(handle) <= 2) {
        return current_context() == nullptr ? nullptr : default_stream(current_context());
    }
    auto* stream = static_cast<Stream*>(handle);
    return is_live(stream) ? stream : nullptr;
}

int streams_of(Context* context) {
    int count = 0;
    for (const Stream* stream : scheduler().streams) {
        count += stream->context == context && !stream->legacy && !stream->destroyed;
    }
    return count;
}

Event* create_event(Context* context, bool timing) {
    auto* event = new Event;
    event->context = context;
    event->timing = timing;
    scheduler().events.insert(event);
    count_live("event", 1);
    return event;
}

void destroy_event(Event* event) {
    scheduler().events.erase(event);
    count_live("event", -1);
    delete event;
}

bool is_live(const Event* event) {
    return scheduler().events.count(event) != 0;
}

static void add_entry(Stream* stream, StreamEntry entry) {
    stream->entries.push_back(std::move(entry));
}

/// The legacy default stream waits for all blocking streams, and they for it.
static void order_with_legacy(Stream* stream, bool before) {
    if (stream->non_blocking) {
        return;
    }
    const auto link = [](Stream* first, Stream* second) {
        if (first == second || first->entries.empty()) {
            return;
        }
        auto record = std::make_shared<EventRecord>();
        add_entry(first, {StreamEntry::Kind::record, "default stream order", {}, record});
        add_entry(second, {StreamEntry::Kind::wait, "default stream order", {}, record});
    };
    if (stream->legacy) {
        if (before) {
            for (Stream* other : scheduler().streams) {
                if (other->context == stream->context && !other->non_blocking && other != stream) {
                    link(other, stream);
                }
            }
        }
    } else if (before) {
        link(default_stream(stream->context), stream);
    }
}

int enqueue(Stream* stream, const char* name, Work work, bool host) {
    if (stream->context->sticky != 0) {
        return stream->context->sticky;
    }
    if (stream->capture != nullptr) {
        return capture_node(stream, name, std::move(work), host);
    }
    if (!stream->non_blocking && capture_forbids_legacy(stream->context)) {
        return invalidate_captures(stream->context, kCaptureImplicit,
                                   "work on a stream that synchronises with the default stream, while capturing");
    }
    order_with_legacy(stream, true);
    add_entry(stream, {host ? StreamEntry::Kind::host : StreamEntry::Kind::work, name, std::move(work), nullptr});
    return kSuccess;
}

int record_event(Event* event, Stream* stream) {
    if (stream->context->sticky != 0) {
        return stream->context->sticky;
    }
    if (stream->capture != nullptr) {
        event->capture = stream->capture;
        event->capture_tail = stream->capture_tail;
        return kSuccess;
    }
    event->capture = nullptr;
    event->record = std::make_shared<EventRecord>();
    order_with_legacy(stream, true);
    add_entry(stream, {StreamEntry::Kind::record, "cuEventRecord", {}, event->record});
    return kSuccess;
}

int wait_event(Stream* stream, Event* event) {
    if (stream->context->sticky != 0) {
        return stream->context->sticky;
    }
    if (event->capture != nullptr || stream->capture != nullptr) {
        return capture_wait(stream, event);
    }
    if (event->record != nullptr && !event->record->done) {
        order_with_legacy(stream, true);
        add_entry(stream, {StreamEntry::Kind::wait, "cuStreamWaitEvent", {}, event->record});
    }
    return kSuccess;
}

static Stream* stream_of(const std::shared_ptr<EventRecord>& record) {
    for (Stream* stream : scheduler().streams) {
        for (const StreamEntry& entry : stream->entries) {
            if (entry.kind == StreamEntry::Kind::record && entry.record == record) {
                return stream;
            }
        }
    }
    return nullptr;
}

int run_until(const std::shared_ptr<EventRecord>& record) {
    if (record == nullptr || record->done) {
        return kSuccess;
    }
    Stream* stream = stream_of(record);
    if (stream == nullptr) {
        return kSuccess;  // dropped with its context
    }
    return run_while(stream->context, stream, [&] { return record->done; });
}

int run_stream(Stream* stream) {
    Context* context = stream->context;
    if (!stream->entries.empty()) {
        auto record = std::make_shared<EventRecord>();
        add_entry(stream, {StreamEntry::Kind::record, "synchronise", {}, record});
        return run_while(context, stream, [&] { return record->done; });
    }
    return context->sticky;
}

int run_context(Context* context) {
    const int status = run_while(context, nullptr, [&] {
        return std::none_of(scheduler().streams.begin(), scheduler().streams.end(), [&](const Stream* stream) {
            return stream->context == context && !stream->entries.empty();
        });
    });
    check_guards();
    return status;
}

void run_some(Context* context) {
    if (settings().hang_milliseconds >= 0) {
        return;
    }
    if (settings().slow_queries > 0) {
        --settings().slow_queries;
        return;
    }
    for (std::uint64_t steps = 1 + scheduler_random()() % 8; steps > 0 && context->sticky == 0; --steps) {
        Stream* next = pick(context, nullptr);
        if (next == nullptr) {
            return;
        }
        run_head(next);
    }
}

void lose(Context* context, int status, const std::string& reason) {
    if (context->sticky == 0) {
        context->sticky = status;
        context->sticky_reason = reason;
        refuse("the context is lost (%d): %s", status, reason.c_str());
    }
    const std::vector<Stream*> all = scheduler().streams;
    for (Stream* stream : all) {
        if (stream->context == context) {
            stream->entries.clear();
            forget_if_drained(stream);
        }
    }
}

void drop_context(Context* context) {
    Scheduler& s = scheduler();
    const std::vector<Stream*> all = s.streams;
    for (Stream* stream : all) {
        if (stream->context != context) {
            continue;
        }
        if (!stream->legacy && !stream->destroyed) {
            count_live("stream", -1);
        }
        s.streams.erase(std::remove(s.streams.begin(), s.streams.end(), stream), s.streams.end());
        delete stream;
    }
    s.defaults.erase(context);
    for (auto entry = s.events.begin(); entry != s.events.end();) {
        if ((*entry)->context == context) {
            count_live("event", -1);
            delete *entry;
            entry = s.events.erase(entry);
        } else {
            ++entry;
        }
    }
}

}  // namespace simgpu
