// Engines, their configurations, heuristics and execution plans.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "acceptance.h"

namespace simgpu::cudnn {

/// cudnnBackendNumericalNote_t and cudnnBackendBehaviorNote_t, as far as they are given.
enum Note : int { kTensorCore = 0, kDownConvertInputs = 1, kNondeterministic = 4, kRuntimeCompilation = 0 };

struct Engine {
    std::int64_t index;
    const char* name;
    EngineClass accepts;
    bool tensor_core;
    bool nondeterministic;
    bool runtime_compiled;
    bool split_k;  // has the SPLIT_K knob and needs workspace for partial sums
};

const std::vector<Engine>& engines();

/// An engine for a graph, with knob choices.
struct EngineConfig {
    std::shared_ptr<const OperationGraph> graph;
    const Engine* engine = nullptr;
    std::map<int, std::int64_t> knobs;

    std::vector<int> numerical_notes() const;
    std::vector<int> behavior_notes() const;
    std::int64_t workspace_bytes() const;
    /// Whether FLOAT operands are rounded to TF32 on their way into the sums.
    bool rounds_to_tf32() const;
};

struct Plan {
    std::shared_ptr<const EngineConfig> config;
    std::int64_t workspace_bytes = 0;
    std::string text;  // the JSON representation
};

Status make_engine(Descriptor& descriptor);
Status make_config(Descriptor& descriptor);
Status make_heuristics(Descriptor& descriptor);
Status make_plan(Descriptor& descriptor);
Status make_plan_from_text(Descriptor& descriptor);

/// cudnnBackendExecute. `handle` is checked by the caller.
struct Handle;
Status execute(Handle& handle, const Plan& plan, const VariantPack& pack);

}  // namespace simgpu::cudnn
