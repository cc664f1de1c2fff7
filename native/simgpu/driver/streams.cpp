// Streams, events, capture and graphs.
#include <cstring>

#include "entry.h"

using namespace simgpu;

SIM_EXPORT CUresult cuStreamCreate(CUstream* result, unsigned flags) {
    DRIVER_CALL(cuStreamCreate)
    DRIVER_REQUIRE(flags <= 1, kInvalidValue, "flags %u", flags)
    *result = create_stream(context, flags == 1);
    return kSuccess;
}

SIM_EXPORT CUresult cuStreamDestroy_v2(CUstream where) {
    SIM_RELEASE(cuStreamDestroy_v2)
    auto* stream = static_cast<Stream*>(where);
    DRIVER_REQUIRE(stream != nullptr && is_live(stream), kInvalidHandle, "%p is no live stream", where)
    DRIVER_REQUIRE(stream->capture == nullptr, kCaptureUnsupported, "the stream is being captured")
    const int status = stream->context->sticky;
    destroy_stream(stream);
    return sim_call.after(status);
}

SIM_EXPORT CUresult cuStreamSynchronize(CUstream where) {
    DRIVER_CALL(cuStreamSynchronize)
    DRIVER_STREAM(stream, where)
    if (stream->capture != nullptr) {
        stream->capture->invalid = true;
        complain("the stream is being captured");
        return kCaptureUnsupported;
    }
    return run_stream(stream);
}

SIM_EXPORT CUresult cuStreamQuery(CUstream where) {
    DRIVER_CALL(cuStreamQuery)
    DRIVER_STREAM(stream, where)
    if (stream->capture != nullptr) {
        stream->capture->invalid = true;
        complain("the stream is being captured");
        return kCaptureUnsupported;
    }
    if (!stream->entries.empty()) {
        run_some(context);
    }
    return context->sticky != 0 ? context->sticky : stream->entries.empty() ? kSuccess : kNotReady;
}

SIM_EXPORT CUresult cuStreamWaitEvent(CUstream where, CUevent event, unsigned flags) {
    DRIVER_CALL(cuStreamWaitEvent)
    DRIVER_STREAM(stream, where)
    DRIVER_REQUIRE(is_live(event), kInvalidHandle, "%p is no live event", static_cast<void*>(event))
    DRIVER_REQUIRE(flags <= 1, kInvalidValue, "flags %u", flags)
    return wait_event(stream, event);
}

SIM_EXPORT CUresult cuEventCreate(CUevent* result, unsigned flags) {
    DRIVER_CALL(cuEventCreate)
    DRIVER_REQUIRE(flags <= 7, kInvalidValue, "flags %u", flags)
    *result = create_event(context, (flags & 2) == 0);
    return kSuccess;
}

SIM_EXPORT CUresult cuEventDestroy_v2(CUevent event) {
    SIM_RELEASE(cuEventDestroy_v2)
    DRIVER_REQUIRE(is_live(event), kInvalidHandle, "%p is no live event", static_cast<void*>(event))
    const int status = event->context->sticky;
    destroy_event(event);
    return sim_call.after(status);
}

SIM_EXPORT CUresult cuEventRecord(CUevent event, CUstream where) {
    DRIVER_CALL(cuEventRecord)
    DRIVER_STREAM(stream, where)
    DRIVER_REQUIRE(is_live(event), kInvalidHandle, "%p is no live event", static_cast<void*>(event))
    return record_event(event, stream);
}

SIM_EXPORT CUresult cuEventQuery(CUevent event) {
    DRIVER_CALL(cuEventQuery)
    DRIVER_REQUIRE(is_live(event), kInvalidHandle, "%p is no live event", static_cast<void*>(event))
    DRIVER_REQUIRE(event->capture == nullptr, kCapturedEvent, "the event was last recorded in a capture")
    if (event->record != nullptr && !event->record->done) {
        run_some(context);
    }
    return context->sticky != 0                                  ? context->sticky
        : event->record == nullptr || event->record->done ? kSuccess
                                                                 : kNotReady;
}

SIM_EXPORT CUresult cuEventSynchronize(CUevent event) {
    DRIVER_CALL(cuEventSynchronize)
    DRIVER_REQUIRE(is_live(event), kInvalidHandle, "%p is no live event", static_cast<void*>(event))
    DRIVER_REQUIRE(event->capture == nullptr, kCapturedEvent, "the event was last recorded in a capture")
    return run_until(event->record);
}

SIM_EXPORT CUresult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) {
    DRIVER_CALL(cuEventElapsedTime)
    DRIVER_REQUIRE(is_live(start) && is_live(end), kInvalidHandle, "an event is not alive")
    DRIVER_REQUIRE(start->timing && end->timing, kInvalidHandle, "an event was created without timing")
    DRIVER_REQUIRE(start->record != nullptr && end->record != nullptr, kInvalidHandle, "an event was never recorded")
    if (!start->record->done || !end->record->done) {
        return kNotReady;
    }
    *milliseconds = static_cast<float>(end->record->milliseconds - start->record->milliseconds);
    return kSuccess;
}

SIM_EXPORT CUresult cuStreamBeginCapture_v2(CUstream where, int mode) {
    DRIVER_CALL(cuStreamBeginCapture_v2)
    DRIVER_STREAM(stream, where)
    DRIVER_REQUIRE(mode >= 0 && mode <= 2, kInvalidValue, "mode %d", mode)
    return begin_capture(stream, static_cast<CaptureMode>(mode));
}

/// A failure ends the capture as well, without a graph.
SIM_EXPORT CUresult cuStreamEndCapture(CUstream where, void** graph) {
    SIM_RELEASE(cuStreamEndCapture)
    *graph = nullptr;
    DRIVER_STREAM(stream, where)
    Graph* captured = nullptr;
    const int status = sim_call.after(end_capture(stream, &captured));
    if (status != kSuccess && captured != nullptr) {
        destroy_graph(captured);
        captured = nullptr;
    }
    *graph = captured;
    return status;
}

SIM_EXPORT CUresult cuStreamIsCapturing(CUstream where, int* state) {
    DRIVER_CALL(cuStreamIsCapturing)
    DRIVER_STREAM(stream, where)
    *state = stream->capture == nullptr ? 0 : stream->capture->invalid ? 2 : 1;
    return kSuccess;
}

#define DRIVER_GRAPH(graph, handle)                                                             \
    auto* const graph = static_cast<Graph*>(handle);                                            \
    DRIVER_REQUIRE(is_live(graph), kInvalidHandle, "%p is no live graph", static_cast<void*>(handle))

#define DRIVER_EXEC(exec, handle)                                \
    auto* const exec = static_cast<GraphExec*>(handle);          \
    DRIVER_REQUIRE(is_live(exec), kInvalidHandle, "%p is no live graph instance", static_cast<void*>(handle))

SIM_EXPORT CUresult cuGraphDestroy(void* handle) {
    SIM_RELEASE(cuGraphDestroy)
    DRIVER_GRAPH(graph, handle)
    destroy_graph(graph);
    return sim_call.after(kSuccess);
}

SIM_EXPORT CUresult cuGraphInstantiateWithFlags(void** result, void* handle, unsigned long long flags) {
    DRIVER_CALL(cuGraphInstantiateWithFlags)
    DRIVER_GRAPH(graph, handle)
    DRIVER_REQUIRE(flags <= 15, kInvalidValue, "flags %llu", flags)
    *result = instantiate(graph, context);
    return kSuccess;
}

SIM_EXPORT CUresult cuGraphUpload(void* handle, CUstream where) {
    DRIVER_CALL(cuGraphUpload)
    DRIVER_EXEC(exec, handle)
    DRIVER_STREAM(stream, where)
    return exec->context == stream->context ? kSuccess : kInvalidContext;
}

SIM_EXPORT CUresult cuGraphLaunch(void* handle, CUstream where) {
    DRIVER_CALL(cuGraphLaunch)
    DRIVER_EXEC(exec, handle)
    DRIVER_STREAM(stream, where)
    return launch(exec, stream);
}

SIM_EXPORT CUresult cuGraphExecDestroy(void* handle) {
    SIM_RELEASE(cuGraphExecDestroy)
    DRIVER_EXEC(exec, handle)
    destroy_exec(exec);
    return sim_call.after(kSuccess);
}

