// cudnnBackendExecute: what can be checked now is checked now, the rest when the stream comes to it.
#include "../core/call.h"
#include "../core/memory.h"
#include "handle.h"
#include "interpreter.h"

namespace simgpu::cudnn {
namespace {

struct Range {
    const unsigned char* begin;
    const unsigned char* end;
    bool overlaps(const Range& other) const { return begin < other.end && other.begin < end; }
    bool operator==(const Range& other) const { return begin == other.begin && end == other.end; }
};

Range range_of(const Tensor& tensor, void* pointer) {
    auto* begin = static_cast<const unsigned char*>(pointer);
    return {begin, begin + tensor.bytes()};
}

/// An output may lie exactly where a pointwise operand lies; any other overlap is a planning error.
Status check_overlaps(const OperationGraph& graph, const std::map<std::int64_t, void*>& memory) {
    for (const TensorPtr& output : graph.in_memory()) {
        if (!graph.produces(output)) {
            continue;
        }
        const Range written = range_of(*output, memory.at(output->uid));
        for (const TensorPtr& other : graph.in_memory()) {
            if (other->uid == output->uid || other->by_value) {
                continue;
            }
            const Range range = range_of(*other, memory.at(other->uid));
            if (!written.overlaps(range)) {
                continue;
            }
            bool read_by_main = false;
            for (const OperationPtr& op : graph.consumers(other->uid)) {
                read_by_main |= op->is_main() || op->type == kResampleForward || op->type == kResampleBackward;
            }
            if (!(written == range) || read_by_main || graph.produces(other)) {
                return fail(kBadParam, "%s is written over %s", output->text().c_str(), other->text().c_str());
            }
        }
    }
    return kSuccess;
}

}  // namespace

Status execute(Handle& handle, const Plan& plan, const VariantPack& pack) {
    const auto config = plan.config;
    const auto refused = settings().refused_engines.find(static_cast<long>(config->engine->index));
    if (refused != settings().refused_engines.end()) {
        return fail(static_cast<Status>(refused->second), "the script lets engine %ld refuse", refused->first);
    }
    std::map<std::int64_t, void*> memory;
    auto scalars = std::make_shared<std::map<std::int64_t, std::vector<unsigned char>>>();
    for (const TensorPtr& tensor : config->graph->in_memory()) {
        const auto found = pack.pointers.find(tensor->uid);
        if (found == pack.pointers.end() || found->second == nullptr) {
            return fail(found == pack.pointers.end() ? kBadParam : kNullPointer, "no pointer is given for %s",
                        tensor->text().c_str());
        }
        void* pointer = found->second;
        if (tensor->by_value) {
            // Host memory, read now.
            const auto* bytes = static_cast<const unsigned char*>(pointer);
            auto& copy = (*scalars)[tensor->uid];
            copy.assign(bytes, bytes + tensor->bytes());
            memory[tensor->uid] = copy.data();
            continue;
        }
        if (reinterpret_cast<std::uintptr_t>(pointer) % static_cast<std::uintptr_t>(tensor->alignment) != 0) {
            return fail(kMisalignedPointer, "%s: %p is not aligned to %lld bytes", tensor->text().c_str(), pointer,
                        static_cast<long long>(tensor->alignment));
        }
        const std::string wrong = check_access(pointer, static_cast<std::size_t>(tensor->bytes()));
        if (!wrong.empty()) {
            return fail(kOutOfBound, "%s: %s", tensor->text().c_str(), wrong.c_str());
        }
        memory[tensor->uid] = pointer;
    }
    if (plan.workspace_bytes > 0) {
        if (pack.workspace == nullptr) {
            return fail(kNullPointer, "no workspace is given, %lld bytes are needed",
                        static_cast<long long>(plan.workspace_bytes));
        }
        const std::string wrong = check_access(pack.workspace, static_cast<std::size_t>(plan.workspace_bytes));
        if (!wrong.empty()) {
            return fail(kSizeInsufficient, "workspace: %s", wrong.c_str());
        }
        const Tensor all{0, DataType::int8, {plan.workspace_bytes}, {1}, 1, false, false};
        for (const TensorPtr& tensor : config->graph->in_memory()) {
            if (!tensor->by_value &&
                range_of(all, pack.workspace).overlaps(range_of(*tensor, memory.at(tensor->uid)))) {
                return fail(kBadParam, "the workspace lies over %s", tensor->text().c_str());
            }
        }
    }
    if (const Status bad = check_overlaps(*config->graph, memory)) {
        return bad;
    }
    Stream* stream = resolve_stream(handle.stream);
    if (stream == nullptr) {
        return fail(kBadParam, "the stream of the handle is not alive");
    }
    const int status = enqueue(stream, "cudnnBackendExecute",
                               [config, memory, scalars, workspace = pack.workspace, bytes = plan.workspace_bytes] {
        for (const auto& [uid, pointer] : memory) {
            const Tensor& tensor = *config->graph->tensors.at(uid);
            if (tensor.by_value) {
                continue;
            }
            const std::string wrong = check_access(pointer, static_cast<std::size_t>(tensor.bytes()));
            if (!wrong.empty()) {
                throw DeviceFault{kIllegalAddress, tensor.text() + ": " + wrong};
            }
        }
        if (bytes > 0) {
            const std::string wrong = check_access(workspace, static_cast<std::size_t>(bytes));
            if (!wrong.empty()) {
                throw DeviceFault{kIllegalAddress, "workspace: " + wrong};
            }
            poison(workspace, static_cast<std::size_t>(bytes));  // whatever lay there is gone
        }
        interpret(*config, memory);
    });
    return status == 0 ? kSuccess : fail(kExecutionFailedDriver, "the driver answers %d", status);
}

}  // namespace simgpu::cudnn
