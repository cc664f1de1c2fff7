// Graphs, stream capture and replay.
#pragma once

#include <memory>
#include <vector>

#include "streams.h"

namespace simgpu {

struct GraphNode {
    const char* name;
    Work work;
    bool host = false;
    std::vector<int> dependencies;
};

struct Graph {
    std::vector<GraphNode> nodes;
};

struct GraphExec {
    Context* context = nullptr;
    std::shared_ptr<std::vector<GraphNode>> nodes;
    std::shared_ptr<EventRecord> last_launch;
};

enum class CaptureMode { global, thread_local_, relaxed };

struct Capture {
    Graph* graph = nullptr;
    Stream* origin = nullptr;
    CaptureMode mode = CaptureMode::global;
    std::vector<Stream*> joined;
    bool invalid = false;
    void* thread = nullptr;
};

int begin_capture(Stream* stream, CaptureMode mode);
int end_capture(Stream* stream, Graph** graph);

int capture_node(Stream* stream, const char* name, Work work, bool host);
int capture_wait(Stream* stream, Event* event);

/// Whether a capture runs that work on synchronising streams would break.
bool capture_forbids_legacy(Context* context);
/// For calls that must not be made while this thread, or in global mode any thread, captures. 0 where it may run.
int forbid_in_capture();
/// Invalidates what is being captured, complains, and returns `status`.
int invalidate_captures(Context* context, int status, const char* reason);

Graph* create_graph();
void destroy_graph(Graph* graph);
bool is_live(const Graph* graph);
GraphExec* instantiate(const Graph* graph, Context* context);
void destroy_exec(GraphExec* exec);
bool is_live(const GraphExec* exec);
int launch(GraphExec* exec, Stream* stream);
int drop_graphs(Context* context);

}  // namespace simgpu
