#include "graphs.h"

#include <algorithm>
#include <unordered_set>

#include "call.h"

namespace simgpu {
namespace {

struct Graphs {
    std::unordered_set<const Graph*> graphs;
    std::unordered_set<GraphExec*> execs;
    std::vector<std::shared_ptr<Capture>> captures;
};

Graphs& state() {
    static auto* instance = new Graphs;
    return *instance;
}

thread_local char thread_mark;

/// Any order that respects the dependencies may be the device's: each launch draws one.
std::vector<int> draw_order(const std::vector<GraphNode>& nodes) {
    std::vector<int> waiting(nodes.size());
    std::vector<std::vector<int>> followers(nodes.size());
    std::vector<int> ready;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        waiting[i] = static_cast<int>(nodes[i].dependencies.size());
        for (int dependency : nodes[i].dependencies) {
            followers[static_cast<std::size_t>(dependency)].push_back(static_cast<int>(i));
        }
        if (waiting[i] == 0) {
            ready.push_back(static_cast<int>(i));
        }
    }
    std::vector<int> order;
    order.reserve(nodes.size());
    while (!ready.empty()) {
        const std::size_t at = ready.size() == 1 ? 0 : scheduler_random()() % ready.size();
        const int next = ready[at];
        ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(at));
        order.push_back(next);
        for (int follower : followers[static_cast<std::size_t>(next)]) {
            if (--waiting[static_cast<std::size_t>(follower)] == 0) {
                ready.push_back(follower);
            }
        }
    }
    return order;
}

void run_nodes(const std::vector<GraphNode>& nodes) {
    for (int index : draw_order(nodes)) {
        const GraphNode& node = nodes[static_cast<std::size_t>(index)];
        CallName named(node.name);
        node.work();
    }
}

void leave_capture(const std::shared_ptr<Capture>& capture) {
    for (Stream* stream : capture->joined) {
        if (is_live(stream) && stream->capture == capture) {
            stream->capture = nullptr;
            stream->capture_tail.clear();
        }
    }
    auto& all = state().captures;
    all.erase(std::remove(all.begin(), all.end(), capture), all.end());
}

void add_unique(std::vector<int>& into, const std::vector<int>& from) {
    for (int node : from) {
        if (std::find(into.begin(), into.end(), node) == into.end()) {
            into.push_back(node);
        }
    }
}

}  // namespace

int begin_capture(Stream* stream, CaptureMode mode) {
    if (stream->legacy) {
        complain("the default stream cannot be captured");
        return kCaptureUnsupported;
    }
    if (stream->capture != nullptr) {
        complain("the stream is being captured already");
        return kInvalidValue;
    }
    auto capture = std::make_shared<Capture>();
    capture->graph = create_graph();
    capture->origin = stream;
    capture->mode = mode;
    capture->joined.push_back(stream);
    capture->thread = &thread_mark;
    stream->capture = capture;
    stream->capture_tail.clear();
    state().captures.push_back(capture);
    return kSuccess;
}

int end_capture(Stream* stream, Graph** graph) {
    const std::shared_ptr<Capture> capture = stream->capture;
    *graph = nullptr;
    if (capture == nullptr || capture->origin != stream) {
        complain("this stream did not begin a capture");
        return capture == nullptr ? kInvalidValue : kCaptureUnmatched;
    }
    if (capture->mode != CaptureMode::relaxed && capture->thread != &thread_mark) {
        complain("the capture began on another thread");
        return kCaptureWrongThread;
    }
    int status = capture->invalid ? kCaptureInvalidated : kSuccess;
    for (Stream* joined : capture->joined) {
        if (status != kSuccess || joined == stream) {
            continue;
        }
        const bool rejoined = std::all_of(joined->capture_tail.begin(), joined->capture_tail.end(), [&](int node) {
            // Joined again: the origin's tail is, or depends on, that node.
            std::vector<int> reach = stream->capture_tail;
            for (std::size_t i = 0; i < reach.size(); ++i) {
                if (reach[i] == node) {
                    return true;
                }
                add_unique(reach, capture->graph->nodes[static_cast<std::size_t>(reach[i])].dependencies);
            }
            return false;
        });
        if (!rejoined) {
            complain("a stream that joined the capture was not joined back into the stream that began it");
            status = kCaptureUnjoined;
        }
    }
    leave_capture(capture);
    if (status != kSuccess) {
        destroy_graph(capture->graph);
        return status;
    }
    *graph = capture->graph;
    return kSuccess;
}

int capture_node(Stream* stream, const char* name, Work work, bool host) {
    const std::shared_ptr<Capture> capture = stream->capture;
    if (capture->invalid) {
        return kCaptureInvalidated;
    }
    GraphNode node;
    node.name = name;
    node.work = std::move(work);
    node.host = host;
    node.dependencies = stream->capture_tail;
    capture->graph->nodes.push_back(std::move(node));
    stream->capture_tail = {static_cast<int>(capture->graph->nodes.size()) - 1};
    return kSuccess;
}

int capture_wait(Stream* stream, Event* event) {
    if (event->capture == nullptr) {
        if (event->record == nullptr) {
            return kSuccess;
        }
        stream->capture->invalid = true;
        complain("a captured stream waits for an event that was recorded outside the capture");
        return kCaptureIsolation;
    }
    const auto& all = state().captures;
    if (std::find(all.begin(), all.end(), event->capture) == all.end()) {
        complain("the event was recorded in a capture that has ended");
        return kCapturedEvent;
    }
    if (stream->capture == nullptr) {
        if (stream->legacy) {
            complain("the default stream cannot join a capture");
            return kCaptureImplicit;
        }
        stream->capture = event->capture;
        stream->capture->joined.push_back(stream);
        stream->capture_tail.clear();
    } else if (stream->capture != event->capture) {
        stream->capture->invalid = event->capture->invalid = true;
        complain("an event joins two captures");
        return kCaptureIsolation;
    }
    add_unique(stream->capture_tail, event->capture_tail);
    return kSuccess;
}

bool capture_forbids_legacy(Context* context) {
    const auto& all = state().captures;
    return std::any_of(all.begin(), all.end(), [&](const std::shared_ptr<Capture>& capture) {
        return capture->origin->context == context && !capture->origin->non_blocking &&
            capture->mode != CaptureMode::relaxed;
    });
}

int forbid_in_capture() {
    for (const std::shared_ptr<Capture>& capture : state().captures) {
        const bool mine = capture->thread == &thread_mark;
        if (capture->mode == CaptureMode::relaxed) {
            continue;
        }
        if (mine || capture->mode == CaptureMode::global) {
            capture->invalid = true;
            complain("not allowed while a stream is being captured");
            return kCaptureUnsupported;
        }
    }
    return kSuccess;
}

int invalidate_captures(Context* context, int status, const char* reason) {
    for (const std::shared_ptr<Capture>& capture : state().captures) {
        if (capture->origin->context == context) {
            capture->invalid = true;
        }
    }
    complain("%s", reason);
    return status;
}

Graph* create_graph() {
    auto* graph = new Graph;
    state().graphs.insert(graph);
    count_live("graph", 1);
    return graph;
}

void destroy_graph(Graph* graph) {
    state().graphs.erase(graph);
    count_live("graph", -1);
    delete graph;
}

bool is_live(const Graph* graph) {
    return state().graphs.count(graph) != 0;
}

GraphExec* instantiate(const Graph* graph, Context* context) {
    auto* exec = new GraphExec;
    exec->context = context;
    exec->nodes = std::make_shared<std::vector<GraphNode>>(graph->nodes);
    state().execs.insert(exec);
    count_live("graph-exec", 1);
    return exec;
}

void destroy_exec(GraphExec* exec) {
    state().execs.erase(exec);
    count_live("graph-exec", -1);
    delete exec;
}

bool is_live(const GraphExec* exec) {
    return state().execs.count(const_cast<GraphExec*>(exec)) != 0;
}

int launch(GraphExec* exec, Stream* stream) {
    // Two launches of one instance never overlap, whatever streams they are in.
    if (exec->last_launch != nullptr && !exec->last_launch->done && stream->capture == nullptr) {
        stream->entries.push_back({StreamEntry::Kind::wait, "cuGraphLaunch", {}, exec->last_launch});
    }
    const int status = enqueue(stream, "cuGraphLaunch", [nodes = exec->nodes] { run_nodes(*nodes); });
    if (status == kSuccess && stream->capture == nullptr) {
        exec->last_launch = std::make_shared<EventRecord>();
        stream->entries.push_back({StreamEntry::Kind::record, "cuGraphLaunch", {}, exec->last_launch});
    }
    return status;
}

int drop_graphs(Context* context) {
    int dropped = 0;
    for (auto entry = state().execs.begin(); entry != state().execs.end();) {
        GraphExec* exec = *entry++;
        if (exec->context == context) {
            destroy_exec(exec);
            ++dropped;
        }
    }
    return dropped;
}

}  // namespace simgpu
