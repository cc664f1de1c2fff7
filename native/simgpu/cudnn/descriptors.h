// Backend descriptors: typed bags of attributes that become immutable values when they are finalized.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../math/types.h"
#include "status.h"

namespace simgpu::cudnn {

/// cudnnBackendDescriptorType_t, as far as it is simulated.
enum DescriptorType : int {
    kPointwise = 0, kConvolution = 1, kEngine = 2, kEngineConfig = 3, kHeuristics = 4, kPlan = 5,
    kIntermediateInfo = 6, kKnobChoice = 7, kKnobInfo = 8, kLayoutInfo = 9,
    kConvolutionForward = 10, kConvolutionWgrad = 11, kConvolutionDgrad = 12, kPointwiseOperation = 13,
    kGenStats = 14, kOperationGraph = 15, kVariantPack = 16, kTensor = 17, kMatmul = 18, kMatmulOperation = 19,
    kBnFinalize = 20, kReduction = 21, kReductionOperation = 22, kBnBwdWeights = 23, kResample = 24,
    kResampleForward = 25, kResampleBackward = 26, kNormForward = 29, kNormBackward = 30,
};

/// cudnnBackendAttributeType_t.
enum ValueType : int {
    kHandleValue = 0, kDataTypeValue = 1, kBooleanValue = 2, kInt64Value = 3, kFloatValue = 4, kDoubleValue = 5,
    kPointerValue = 6, kConvolutionModeValue = 7, kHeurModeValue = 8, kKnobTypeValue = 9, kNanValue = 10,
    kNumericalNoteValue = 11, kLayoutTypeValue = 12, kPointwiseModeValue = 14, kDescriptorValue = 15,
    kGenStatsModeValue = 16, kBnFinalizeModeValue = 17, kReductionOperatorValue = 18, kBehaviorNoteValue = 19,
    kReorderingValue = 20, kResampleModeValue = 21, kPaddingModeValue = 22, kInt32Value = 23, kCharValue = 24,
    kFractionValue = 26, kNormModeValue = 27, kNormPhaseValue = 28,
};

struct Tensor {
    std::int64_t uid = 0;
    DataType type = DataType::float32;
    std::vector<std::int64_t> dims;
    std::vector<std::int64_t> strides;
    std::int64_t alignment = 1;
    bool is_virtual = false;
    bool by_value = false;

    std::int64_t elements() const;
    /// Bytes from the first to behind the last element.
    std::int64_t bytes() const;
    std::string text() const;
};
using TensorPtr = std::shared_ptr<const Tensor>;

struct Operation;
struct OperationGraph;
struct EngineConfig;
struct Plan;

struct VariantPack {
    std::map<std::int64_t, void*> pointers;
    void* workspace = nullptr;
    bool duplicate = false;
};

struct Descriptor {
    explicit Descriptor(int kind) : type(kind) {}

    int type;
    bool finalized = false;
    std::map<int, std::vector<unsigned char>> values;                       // by attribute
    std::map<int, std::vector<std::shared_ptr<Descriptor>>> children;       // attributes that hold descriptors

    // What finalizing made of it.
    TensorPtr tensor;
    std::shared_ptr<const Operation> operation;
    std::shared_ptr<const OperationGraph> graph;
    std::shared_ptr<const EngineConfig> config;  // of an engine too: a config without choices
    std::vector<std::shared_ptr<const EngineConfig>> results;
    std::shared_ptr<const Plan> plan;
    std::shared_ptr<const VariantPack> pack;
    int knob = 0;

    bool has(int attribute) const;
    /// The first element, or `fallback` where the attribute is not set.
    template <typename T>
    T get(int attribute, T fallback = T{}) const {
        const auto found = values.find(attribute);
        if (found == values.end() || found->second.size() < sizeof(T)) {
            return fallback;
        }
        T value;
        std::memcpy(&value, found->second.data(), sizeof value);
        return value;
    }
    template <typename T>
    std::vector<T> list(int attribute) const {
        std::vector<T> all;
        const auto found = values.find(attribute);
        if (found != values.end()) {
            all.resize(found->second.size() / sizeof(T));
            std::memcpy(all.data(), found->second.data(), all.size() * sizeof(T));
        }
        return all;
    }
    std::shared_ptr<Descriptor> child(int attribute) const;
    TensorPtr tensor_of(int attribute) const;
};

enum AttributeUse : int { kOptional = 0, kRequired = 1, kReadOnly = 2 };

/// One row for each attribute of each descriptor type.
struct AttributeRow {
    int descriptor;
    int attribute;
    const char* name;
    int type;
    int other_type;  // a second value type that is taken, or -1
    std::int64_t max_count;
    AttributeUse use;
    int child;       // type of the descriptors it holds; -1 for any
};

const AttributeRow* find_attribute(int descriptor, int attribute);
const std::vector<AttributeRow>& attribute_rows();
std::size_t value_bytes(int type);
const char* descriptor_name(int type);

std::shared_ptr<Descriptor> find_descriptor(void* handle);

/// Remembers why, for cudnnGetLastErrorString, and returns the status. Errors of the caller (2xxx) are complaints too.
Status fail(Status status, const char* text, ...) __attribute__((format(printf, 2, 3)));

/// Makes the value of a descriptor from its attributes.
Status finalize(Descriptor& descriptor);

}  // namespace simgpu::cudnn
