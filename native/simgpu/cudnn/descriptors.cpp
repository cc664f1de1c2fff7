#include "descriptors.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "../core/call.h"
#include "engines.h"
#include "operations.h"

namespace simgpu::cudnn {

std::int64_t Tensor::elements() const {
    std::int64_t count = 1;
    for (std::int64_t dim : dims) {
        count *= dim;
    }
    return count;
}

std::int64_t Tensor::bytes() const {
    std::int64_t last = 0;
    for (std::size_t i = 0; i < dims.size(); ++i) {
        last += (dims[i] - 1) * strides[i];
    }
    return type == DataType::boolean ? last / 8 + 1 : (last + 1) * static_cast<std::int64_t>(element_bytes(type));
}

std::string Tensor::text() const {
    std::string all = "tensor " + std::to_string(uid) + " " + type_name(type) + " [";
    for (std::size_t i = 0; i < dims.size(); ++i) {
        all += (i == 0 ? "" : ",") + std::to_string(dims[i]);
    }
    all += "] strides [";
    for (std::size_t i = 0; i < strides.size(); ++i) {
        all += (i == 0 ? "" : ",") + std::to_string(strides[i]);
    }
    return all + "]" + (is_virtual ? " virtual" : "") + (by_value ? " by value" : "");
}

bool Descriptor::has(int attribute) const {
    return values.count(attribute) != 0 || children.count(attribute) != 0;
}

std::shared_ptr<Descriptor> Descriptor::child(int attribute) const {
    const auto found = children.find(attribute);
    return found == children.end() || found->second.empty() ? nullptr : found->second.front();
}

TensorPtr Descriptor::tensor_of(int attribute) const {
    const auto held = child(attribute);
    return held == nullptr ? nullptr : held->tensor;
}

Status fail(Status status, const char* text, ...) {
    char message[900];
    va_list arguments;
    va_start(arguments, text);
    std::vsnprintf(message, sizeof message, text, arguments);
    va_end(arguments);
    refuse("%s", message);
    if (status / 1000 == 2 || status == kNotInitialized) {
        complain("%s", message);
    }
    return status;
}

static Status make_pack(Descriptor& descriptor) {
    auto pack = std::make_shared<VariantPack>();
    const auto uids = descriptor.list<std::int64_t>(1000);
    const auto pointers = descriptor.list<void*>(1001);
    if (uids.size() != pointers.size()) {
        return fail(kBadParam, "%zu unique ids for %zu pointers", uids.size(), pointers.size());
    }
    for (std::size_t i = 0; i < uids.size(); ++i) {
        if (!pack->pointers.emplace(uids[i], pointers[i]).second) {
            return fail(kDuplicatedEntries, "unique id %lld stands twice in the variant pack",
                        static_cast<long long>(uids[i]));
        }
    }
    pack->workspace = descriptor.get<void*>(1003, nullptr);
    descriptor.pack = pack;
    return kSuccess;
}

static Status check_convolution(const Descriptor& descriptor) {
    const auto spatial = descriptor.get<std::int64_t>(106);
    for (int attribute : {102, 103, 104, 105}) {
        const auto values = descriptor.list<std::int64_t>(attribute);
        if (static_cast<std::int64_t>(values.size()) != spatial) {
            return fail(kBadParam, "%s has %zu elements for %lld spatial dimensions",
                        find_attribute(kConvolution, attribute)->name, values.size(), static_cast<long long>(spatial));
        }
        const std::int64_t least = attribute == 102 || attribute == 103 ? 1 : 0;
        for (std::int64_t value : values) {
            if (value < least) {
                return fail(kBadParam, "%s holds %lld", find_attribute(kConvolution, attribute)->name,
                            static_cast<long long>(value));
            }
        }
    }
    return kSuccess;
}

Status finalize(Descriptor& descriptor) {
    if (descriptor.finalized) {
        return fail(kNotInitialized, "%s is finalized already", descriptor_name(descriptor.type));
    }
    const bool from_json = descriptor.type == kPlan && descriptor.has(405);
    for (const AttributeRow& row : attribute_rows()) {
        if (row.descriptor == descriptor.type && row.use == kRequired && !descriptor.has(row.attribute)) {
            return fail(kBadParam, "%s is not set", row.name);
        }
    }
    for (const auto& [attribute, children] : descriptor.children) {
        for (const auto& child : children) {
            if (!child->finalized) {
                return fail(kNotFinalized, "%s holds a descriptor that is not finalized",
                            find_attribute(descriptor.type, attribute)->name);
            }
        }
    }
    Status status = kSuccess;
    switch (descriptor.type) {
        case kTensor: status = make_tensor(descriptor); break;
        case kConvolution: status = check_convolution(descriptor); break;
        case kPointwise: case kReduction: case kMatmul: case kResample: case kKnobChoice: break;
        case kConvolutionForward: case kConvolutionDgrad: case kConvolutionWgrad: case kPointwiseOperation:
        case kGenStats: case kMatmulOperation: case kBnFinalize: case kReductionOperation: case kBnBwdWeights:
        case kResampleForward: case kResampleBackward: case kNormForward: case kNormBackward:
            status = make_operation(descriptor);
            break;
        case kOperationGraph: status = make_graph(descriptor); break;
        case kEngine: status = make_engine(descriptor); break;
        case kEngineConfig: status = make_config(descriptor); break;
        case kHeuristics: status = make_heuristics(descriptor); break;
        case kPlan: status = from_json ? make_plan_from_text(descriptor) : make_plan(descriptor); break;
        case kVariantPack: status = make_pack(descriptor); break;
        default: return fail(kNotSupported, "%s cannot be finalized by its user", descriptor_name(descriptor.type));
    }
    descriptor.finalized = status == kSuccess;
    return status;
}

}  // namespace simgpu::cudnn
