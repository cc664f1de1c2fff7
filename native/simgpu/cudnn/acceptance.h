// Which operation graphs an sm_90 device takes, engine by engine: one table, a row for each rule, with its source.
#pragma once

#include <string>
#include <vector>

#include "operations.h"

namespace simgpu::cudnn {

enum class EngineClass {
    convolution,           // pre-compiled, one operation
    convolution_bias_act,  // pre-compiled ConvBiasAct
    runtime_90,            // generic runtime fusion, support surface 90
    runtime_80,
    runtime_70,
    convolution_bn_fprop,  // pre-compiled, exact patterns
    bn_finalize,
    norm_forward,          // NormAddRelu
    norm_backward,         // DReluForkDNorm
    convolution_bn_wgrad,
    dgrad_drelu_bn,        // DgradDreluBNBwdWeight
};

/// Where a graph that breaks the rule is turned away.
enum class Stage { pattern, finalize };

/// What the rules ask about a graph.
struct GraphFacts {
    explicit GraphFacts(const OperationGraph& of);

    const OperationGraph& graph;
    OperationPtr main;                      // the convolution or matmul; null where there is none
    int mains = 0;
    std::vector<OperationPtr> prologue;     // what main's inputs depend on
    std::vector<OperationPtr> epilogue;     // the rest
    std::vector<OperationPtr> reductions;

    bool in_prologue(const OperationPtr& op) const;
    /// x, w and y of a convolution in the roles of the forward pass.
    TensorPtr main_tensor(char role) const;
    std::vector<TensorPtr> main_inputs() const;
    TensorPtr main_output() const;
    /// Operands from memory of a part of the graph, by-value scalars left out.
    std::vector<TensorPtr> operands(const std::vector<OperationPtr>& of) const;
    bool is_strided() const;
    std::int64_t groups() const;
    /// The operation types in order, "conv_fwd mul add relu gen_stats", virtual results understood.
    std::string pattern() const;
};

struct Rule {
    EngineClass engine;
    const char* demand;
    Stage stage;
    Status refusal;
    const char* source;
    bool (*holds)(const GraphFacts&);
};

const std::vector<Rule>& rules();

struct Verdict {
    Status status = kSuccess;
    std::string reason;
};

/// The first rule that does not hold, looked for in the rules of that stage only.
Verdict judge(EngineClass engine, const GraphFacts& facts, Stage stage);

}  // namespace simgpu::cudnn
