// Contexts, streams, events and the deferred work in them. Nothing runs when it is enqueued: a wait, a query or a
// blocking call runs heads of streams, in a seeded order that respects streams and events and nothing else.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace simgpu {

struct Capture;
struct Graph;

/// Driver status codes that the core raises (cuda.h).
enum DriverStatus : int {
    kSuccess = 0,
    kInvalidValue = 1,
    kOutOfMemory = 2,
    kNotInitialized = 3,
    kNoDevice = 100,
    kInvalidDevice = 101,
    kInvalidImage = 200,
    kInvalidContext = 201,
    kNoBinaryForGpu = 209,
    kInvalidHandle = 400,
    kNotFound = 500,
    kNotReady = 600,
    kIllegalAddress = 700,
    kLaunchOutOfResources = 701,
    kLaunchTimeout = 702,
    kMisalignedAddress = 716,
    kLaunchFailed = 719,
    kNotSupported = 801,
    kCaptureUnsupported = 900,
    kCaptureInvalidated = 901,
    kCaptureUnmatched = 903,
    kCaptureUnjoined = 904,
    kCaptureIsolation = 905,
    kCaptureImplicit = 906,
    kCapturedEvent = 907,
    kCaptureWrongThread = 908,
    kGraphExecUpdateFailure = 910,
};

struct Context {
    int sticky = 0;        // once non-zero, every call in this context answers it
    bool primary = false;
    int references = 0;
    std::string sticky_reason;
};

/// One record of an event: waits refer to it, not to the event, as later records must not move them.
struct EventRecord {
    bool done = false;
    double milliseconds = 0;
};

/// A piece of device work. Throws DeviceFault where a device would fault.
using Work = std::function<void()>;

struct DeviceFault {
    int status;
    std::string message;
};

struct StreamEntry {
    enum class Kind { work, record, wait, host } kind;
    const char* name;
    Work work;
    std::shared_ptr<EventRecord> record;
};

struct Stream {
    Context* context = nullptr;
    bool non_blocking = false;
    bool legacy = false;  // the default stream
    bool destroyed = false;
    std::deque<StreamEntry> entries;
    std::shared_ptr<Capture> capture;
    std::vector<int> capture_tail;  // nodes that the next captured node depends on
    int id = 0;
};

struct Event {
    Context* context = nullptr;
    bool timing = true;
    std::shared_ptr<EventRecord> record;  // null until first recorded
    std::shared_ptr<Capture> capture;     // set while the last record was captured
    std::vector<int> capture_tail;
};

std::mt19937_64& scheduler_random();

Context* current_context();
void set_current_context(Context* context);
std::vector<Context*>& context_stack();

/// The default stream of a context.
Stream* default_stream(Context* context);
Stream* create_stream(Context* context, bool non_blocking);
/// Work that was enqueued still runs; the handle is dead at once.
void destroy_stream(Stream* stream);
bool is_live(const Stream* stream);
/// The stream a handle means: null, 1 and 2 are default streams. Null where the handle is none.
Stream* resolve_stream(void* handle);
int streams_of(Context* context);

Event* create_event(Context* context, bool timing);
void destroy_event(Event* event);
bool is_live(const Event* event);

/// Adds work behind what the stream holds, or a node where the stream is being captured. Returns a driver status.
int enqueue(Stream* stream, const char* name, Work work, bool host = false);
int record_event(Event* event, Stream* stream);
int wait_event(Stream* stream, Event* event);

/// Runs work until the record is done, or everything of the stream or context has run. Returns 0 or the sticky status.
int run_until(const std::shared_ptr<EventRecord>& record);
int run_stream(Stream* stream);
int run_context(Context* context);
/// Runs a little, as a device would while the host polls.
void run_some(Context* context);

/// Kills the context: all that is enqueued in it is dropped and `status` sticks.
void lose(Context* context, int status, const std::string& reason);
void drop_context(Context* context);

}  // namespace simgpu
