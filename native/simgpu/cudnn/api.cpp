// The exported backend API.
#include <algorithm>
#include <cstdio>
#include <unordered_map>
#include <unordered_set>

#include "../core/call.h"
#include "../core/graphs.h"
#include "engines.h"
#include "handle.h"
#include "operations.h"

namespace simgpu::cudnn {
namespace {

std::unordered_map<void*, std::shared_ptr<Descriptor>>& descriptors() {
    static auto* all = new std::unordered_map<void*, std::shared_ptr<Descriptor>>;
    return *all;
}

std::unordered_set<const Handle*>& handles() {
    static auto* all = new std::unordered_set<const Handle*>;
    return *all;
}

}  // namespace

std::shared_ptr<Descriptor> find_descriptor(void* handle) {
    const auto found = descriptors().find(handle);
    return found == descriptors().end() ? nullptr : found->second;
}

bool is_live(const Handle* handle) {
    return handles().count(handle) != 0;
}

const char* status_name(int status) {
    switch (status) {
        case 0: return "CUDNN_STATUS_SUCCESS";
        case 1001: return "CUDNN_STATUS_NOT_INITIALIZED";
        case 1002: return "CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH";
        case 1003: return "CUDNN_STATUS_SERIALIZATION_VERSION_MISMATCH";
        case 2000: return "CUDNN_STATUS_BAD_PARAM";
        case 2002: return "CUDNN_STATUS_BAD_PARAM_NULL_POINTER";
        case 2003: return "CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER";
        case 2004: return "CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED";
        case 2005: return "CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND";
        case 2006: return "CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT";
        case 2007: return "CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH";
        case 2008: return "CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH";
        case 2009: return "CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES";
        case 2010: return "CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE";
        case 2012: return "CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE";
        case 3000: return "CUDNN_STATUS_NOT_SUPPORTED";
        case 3001: return "CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN";
        case 3002: return "CUDNN_STATUS_NOT_SUPPORTED_SHAPE";
        case 3003: return "CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE";
        case 3004: return "CUDNN_STATUS_NOT_SUPPORTED_LAYOUT";
        case 3007: return "CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH";
        case 4000: return "CUDNN_STATUS_INTERNAL_ERROR";
        case 4003: return "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED";
        case 4004: return "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED";
        case 5000: return "CUDNN_STATUS_EXECUTION_FAILED";
        case 5001: return "CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER";
        case 5002: return "CUDNN_STATUS_EXECUTION_FAILED_CUBLAS";
        default: return "CUDNN_STATUS of another number";
    }
}

SIM_EXPORT std::size_t cudnnGetVersion() {
    Call call("cudnnGetVersion");
    return 90600;
}

SIM_EXPORT std::size_t cudnnGetCudartVersion() {
    Call call("cudnnGetCudartVersion");
    return 12060;
}

SIM_EXPORT const char* cudnnGetErrorString(int status) {
    Call call("cudnnGetErrorString");
    return status_name(status);
}

SIM_EXPORT void cudnnGetLastErrorString(char* message, std::size_t capacity) {
    if (capacity > 0) {
        std::snprintf(message, capacity, "%s", last_refusal().c_str());
    }
}

SIM_EXPORT int cudnnCreate(Handle** result) {
    SIM_CALL(int, cudnnCreate)
    Context* context = current_context();
    if (context == nullptr || context->sticky != 0) {
        return fail(kNotInitialized, context == nullptr ? "no context is current" : "the context is lost");
    }
    if (const int forbidden = forbid_in_capture()) {
        return fail(kExecutionFailedDriver, "a handle cannot be made while a stream is being captured (%d)", forbidden);
    }
    auto* handle = new Handle{context, nullptr};
    handles().insert(handle);
    count_live("cudnn.handle", 1);
    *result = handle;
    return kSuccess;
}

SIM_EXPORT int cudnnDestroy(Handle* handle) {
    SIM_RELEASE(cudnnDestroy)
    if (!is_live(handle)) {
        return fail(kBadParam, "%p is no live handle", static_cast<void*>(handle));
    }
    handles().erase(handle);
    count_live("cudnn.handle", -1);
    delete handle;
    return sim_call.after(kSuccess);
}

SIM_EXPORT int cudnnSetStream(Handle* handle, void* stream) {
    SIM_CALL(int, cudnnSetStream)
    if (!is_live(handle)) {
        return fail(kBadParam, "%p is no live handle", static_cast<void*>(handle));
    }
    const Stream* found = resolve_stream(stream);
    if (found == nullptr || found->context != handle->context) {
        return fail(kStreamMismatch, "%p is no live stream of the context of the handle", stream);
    }
    handle->stream = stream;
    return kSuccess;
}

SIM_EXPORT int cudnnBackendCreateDescriptor(int type, void** result) {
    SIM_CALL(int, cudnnBackendCreateDescriptor)
    if (result == nullptr) {
        return fail(kNullPointer, "the result pointer is null");
    }
    const auto& rows = attribute_rows();
    const bool known = std::any_of(rows.begin(), rows.end(), [&](const AttributeRow& row) { return row.descriptor == type; });
    if (!known && type != kLayoutInfo && type != kIntermediateInfo) {
        return fail(kNotSupported, "descriptor type %d is not simulated", type);
    }
    auto descriptor = std::make_shared<Descriptor>(type);
    *result = descriptor.get();
    descriptors()[descriptor.get()] = descriptor;
    count_live("cudnn.descriptor", 1);
    return kSuccess;
}

SIM_EXPORT int cudnnBackendDestroyDescriptor(void* handle) {
    SIM_RELEASE(cudnnBackendDestroyDescriptor)
    if (descriptors().erase(handle) == 0) {
        return fail(kBadParam, "%p is no live descriptor", handle);
    }
    count_live("cudnn.descriptor", -1);
    return sim_call.after(kSuccess);
}

SIM_EXPORT int cudnnBackendFinalize(void* handle) {
    SIM_CALL(int, cudnnBackendFinalize)
    const auto descriptor = find_descriptor(handle);
    if (descriptor == nullptr) {
        return fail(kBadParam, "%p is no live descriptor", handle);
    }
    return finalize(*descriptor);
}

SIM_EXPORT int cudnnBackendSetAttribute(void* handle, int attribute, int type, std::int64_t count, const void* elements) {
    SIM_CALL(int, cudnnBackendSetAttribute)
    const auto descriptor = find_descriptor(handle);
    if (descriptor == nullptr) {
        return fail(kBadParam, "%p is no live descriptor", handle);
    }
    if (descriptor->finalized) {
        return fail(kNotInitialized, "%s is finalized", descriptor_name(descriptor->type));
    }
    const AttributeRow* row = find_attribute(descriptor->type, attribute);
    if (row == nullptr || row->use == kReadOnly) {
        return fail(kBadParam, "attribute %d cannot be set on %s", attribute, descriptor_name(descriptor->type));
    }
    if (type != row->type && type != row->other_type) {
        return fail(kAttributeType, "%s takes type %d, not %d", row->name, row->type, type);
    }
    if (count < 1 || count > row->max_count) {
        return fail(kBadParam, "%s takes up to %lld elements, not %lld", row->name,
                    static_cast<long long>(row->max_count), static_cast<long long>(count));
    }
    if (elements == nullptr) {
        return fail(kNullPointer, "%s: the array is null", row->name);
    }
    if (type == kHandleValue) {
        const Handle* given = *static_cast<Handle* const*>(elements);
        if (!is_live(given)) {
            return fail(kBadParam, "%s: %p is no live handle", row->name, static_cast<const void*>(given));
        }
    }
    if (type != kDescriptorValue) {
        const auto* bytes = static_cast<const unsigned char*>(elements);
        descriptor->values[attribute].assign(bytes, bytes + static_cast<std::size_t>(count) * value_bytes(type));
        return kSuccess;
    }
    std::vector<std::shared_ptr<Descriptor>> children;
    for (std::int64_t i = 0; i < count; ++i) {
        auto child = find_descriptor(static_cast<void* const*>(elements)[i]);
        if (child == nullptr) {
            return fail(kBadParam, "%s: element %lld is no live descriptor", row->name, static_cast<long long>(i));
        }
        if (row->child >= 0 && child->type != row->child) {
            return fail(kDescriptorType, "%s takes a %s, not a %s", row->name, descriptor_name(row->child),
                        descriptor_name(child->type));
        }
        if (!child->finalized && child->type != kKnobChoice) {
            return fail(kNotFinalized, "%s: the %s is not finalized", row->name, descriptor_name(child->type));
        }
        children.push_back(std::move(child));
    }
    descriptor->children[attribute] = std::move(children);
    return kSuccess;
}

namespace {

/// Attributes that the library computes, as raw values.
bool computed(const Descriptor& d, int attribute, std::vector<unsigned char>& bytes) {
    const auto put = [&](const auto& values) {
        bytes.resize(values.size() * sizeof values[0]);
        if (!values.empty()) {
            std::memcpy(bytes.data(), values.data(), bytes.size());
        }
        return true;
    };
    using Wide = std::vector<std::int64_t>;
    switch (attribute) {
        case 802: return put(Wide{static_cast<std::int64_t>(engines().back().index + 1)});
        case 1303: return put(d.config->numerical_notes());
        case 1305: return put(d.config->behavior_notes());
        case 303: return put(Wide{d.config->workspace_bytes()});
        case 304: return put(std::vector<int>{49152});
        case 402: return put(Wide{d.plan->workspace_bytes});
        case 405: return put(std::vector<char>(d.plan->text.begin(), d.plan->text.end()));
        case 1200: return put(std::vector<int>{d.knob});
        case 1201: return put(Wide{4});
        case 1202: return put(Wide{1});
        case 1203: return put(Wide{1});
        default: return false;
    }
}

/// Descriptors that the library gives out: what the caller's empty ones are filled with.
bool computed_children(const Descriptor& d, int attribute, std::vector<Descriptor>& children) {
    switch (attribute) {
        case 202:
            for (const auto& config : d.results) {
                Descriptor child(kEngineConfig);
                child.config = config;
                child.finalized = true;
                children.push_back(child);
            }
            return true;
        case 300: {
            Descriptor child(kEngine);
            auto bare = std::make_shared<EngineConfig>(*d.config);
            bare->knobs.clear();
            child.config = bare;
            child.finalized = true;
            const auto* index = reinterpret_cast<const unsigned char*>(&d.config->engine->index);
            child.values[1301].assign(index, index + sizeof d.config->engine->index);
            children.push_back(child);
            return true;
        }
        case 302:
            for (const auto& [knob, value] : d.config->knobs) {
                Descriptor child(kKnobChoice);
                const auto* knob_bytes = reinterpret_cast<const unsigned char*>(&knob);
                const auto* value_start = reinterpret_cast<const unsigned char*>(&value);
                child.values[600].assign(knob_bytes, knob_bytes + sizeof knob);
                child.values[601].assign(value_start, value_start + sizeof value);
                child.finalized = true;
                children.push_back(child);
            }
            return true;
        case 401: {
            Descriptor child(kEngineConfig);
            child.config = d.plan->config;
            child.finalized = true;
            children.push_back(child);
            return true;
        }
        case 1302:
            if (d.config->engine->split_k) {
                Descriptor child(kKnobInfo);
                child.finalized = true;
                children.push_back(child);
            }
            return true;
        case 1304: case 301: return true;
        default: return false;
    }
}

}  // namespace

SIM_EXPORT int cudnnBackendGetAttribute(void* handle, int attribute, int type, std::int64_t requested,
                                        std::int64_t* count, void* elements) {
    SIM_CALL(int, cudnnBackendGetAttribute)
    const auto descriptor = find_descriptor(handle);
    if (descriptor == nullptr) {
        return fail(kBadParam, "%p is no live descriptor", handle);
    }
    if (!descriptor->finalized) {
        return fail(kNotInitialized, "%s is not finalized", descriptor_name(descriptor->type));
    }
    const AttributeRow* row = find_attribute(descriptor->type, attribute);
    if (row == nullptr) {
        return fail(kBadParam, "%s has no attribute %d", descriptor_name(descriptor->type), attribute);
    }
    if (type != row->type && type != row->other_type) {
        return fail(kAttributeType, "%s has type %d, not %d", row->name, row->type, type);
    }
    if (requested < 0 || (requested > 0 && elements == nullptr)) {
        return fail(kNullPointer, "%s: %lld elements into a null array", row->name, static_cast<long long>(requested));
    }
    if (type == kDescriptorValue) {
        std::vector<Descriptor> children;
        if (!computed_children(*descriptor, attribute, children)) {
            const auto set = descriptor->children.find(attribute);
            for (std::size_t i = 0; set != descriptor->children.end() && i < set->second.size(); ++i) {
                children.push_back(*set->second[i]);
            }
        }
        const auto available = static_cast<std::int64_t>(children.size());
        if (count != nullptr) {
            *count = available;
        }
        for (std::int64_t i = 0; i < std::min(requested, available); ++i) {
            const auto target = find_descriptor(static_cast<void**>(elements)[i]);
            if (target == nullptr || target->type != children[static_cast<std::size_t>(i)].type) {
                return fail(kBadParam, "%s: element %lld is no live descriptor of its type", row->name,
                            static_cast<long long>(i));
            }
            *target = children[static_cast<std::size_t>(i)];
        }
        return kSuccess;
    }
    std::vector<unsigned char> bytes;
    if (!computed(*descriptor, attribute, bytes)) {
        const auto set = descriptor->values.find(attribute);
        if (set == descriptor->values.end()) {
            return fail(kBadParam, "%s was not set", row->name);
        }
        bytes = set->second;
    }
    const std::size_t unit = value_bytes(type);
    const auto available = static_cast<std::int64_t>(bytes.size() / unit);
    if (count != nullptr) {
        *count = available;
    }
    const std::size_t copied = static_cast<std::size_t>(std::min(requested, available)) * unit;
    if (copied > 0) {
        std::memcpy(elements, bytes.data(), copied);
    }
    return kSuccess;
}

SIM_EXPORT int cudnnBackendExecute(Handle* handle, void* plan_handle, void* pack_handle) {
    SIM_CALL(int, cudnnBackendExecute)
    if (!is_live(handle)) {
        return fail(kBadParam, "%p is no live handle", static_cast<void*>(handle));
    }
    if (handle->context->sticky != 0) {
        return fail(kExecutionFailedDriver, "the context is lost (%d)", handle->context->sticky);
    }
    const auto plan = find_descriptor(plan_handle);
    const auto pack = find_descriptor(pack_handle);
    if (plan == nullptr || pack == nullptr || plan->type != kPlan || pack->type != kVariantPack) {
        return fail(kBadParam, "a plan and a variant pack are needed");
    }
    if (!plan->finalized || !pack->finalized) {
        return fail(kNotFinalized, "the %s is not finalized", plan->finalized ? "variant pack" : "plan");
    }
    return execute(*handle, *plan->plan, *pack->pack);
}

}  // namespace simgpu::cudnn
