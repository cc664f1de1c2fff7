#include <algorithm>
#include <set>

#include "acceptance.h"

namespace simgpu::cudnn {

GraphFacts::GraphFacts(const OperationGraph& of) : graph(of) {
    for (const OperationPtr& op : graph.operations) {
        if (op->is_main()) {
            main = op;
            ++mains;
        }
        if (op->type == kReductionOperation) {
            reductions.push_back(op);
        }
    }
    std::set<const Operation*> before;
    if (main != nullptr) {
        std::vector<OperationPtr> open = {main};
        while (!open.empty()) {
            const OperationPtr op = open.back();
            open.pop_back();
            for (int attribute : op->inputs) {
                const auto writer = graph.producer.find(op->tensor(attribute)->uid);
                if (writer != graph.producer.end() && before.insert(writer->second.get()).second) {
                    open.push_back(writer->second);
                }
            }
        }
    }
    for (const OperationPtr& op : graph.operations) {
        if (op == main) {
            continue;
        }
        (before.count(op.get()) != 0 ? prologue : epilogue).push_back(op);
    }
}

bool GraphFacts::in_prologue(const OperationPtr& op) const {
    return std::find(prologue.begin(), prologue.end(), op) != prologue.end();
}

TensorPtr GraphFacts::main_tensor(char role) const {
    if (main == nullptr) {
        return nullptr;
    }
    switch (main->type) {
        case kConvolutionForward: return main->tensor(role == 'x' ? 704 : role == 'w' ? 703 : 705);
        case kConvolutionDgrad: return main->tensor(role == 'x' ? 710 : role == 'w' ? 709 : 711);
        case kConvolutionWgrad: return main->tensor(role == 'x' ? 716 : role == 'w' ? 715 : 717);
        default: return main->tensor(role == 'x' ? 1520 : role == 'w' ? 1521 : 1522);
    }
}

std::vector<TensorPtr> GraphFacts::main_inputs() const {
    std::vector<TensorPtr> all;
    if (main != nullptr) {
        for (int attribute : main->inputs) {
            all.push_back(main->tensor(attribute));
        }
    }
    return all;
}

TensorPtr GraphFacts::main_output() const {
    return main == nullptr ? nullptr : main->tensor(main->outputs.front());
}

std::vector<TensorPtr> GraphFacts::operands(const std::vector<OperationPtr>& of) const {
    std::vector<TensorPtr> all;
    for (const OperationPtr& op : of) {
        for (int attribute : op->inputs) {
            const TensorPtr tensor = op->tensor(attribute);
            if (!graph.produces(tensor) && !tensor->by_value) {
                all.push_back(tensor);
            }
        }
    }
    return all;
}

bool GraphFacts::is_strided() const {
    return main != nullptr && main->is_convolution() &&
        std::any_of(main->convolution.strides.begin(), main->convolution.strides.end(),
                    [](std::int64_t stride) { return stride != 1; });
}

std::int64_t GraphFacts::groups() const {
    return main != nullptr && main->is_convolution() ? main_tensor('x')->dims[1] / main_tensor('w')->dims[1] : 1;
}

static std::string operation_word(const Operation& op) {
    switch (op.type) {
        case kConvolutionForward: return "conv_fwd";
        case kConvolutionDgrad: return "dgrad";
        case kConvolutionWgrad: return "wgrad";
        case kMatmulOperation: return "matmul";
        case kGenStats: return "gen_stats";
        case kBnFinalize: return "bn_finalize";
        case kReductionOperation: return "reduction";
        case kBnBwdWeights: return "bn_bwd_weights";
        case kResampleForward: return "resample_fwd";
        case kResampleBackward: return "resample_bwd";
        case kNormForward: return "norm_fwd";
        case kNormBackward: return "norm_bwd";
        default: break;
    }
    switch (op.mode) {
        case kAdd: return op.beta == -1 ? "sub" : "add";
        case kSub: return "sub";
        case kMul: return "mul";
        case kReluForward: return "relu";
        case kReluBackward: return "relu_bwd";
        case kIdentity: return "identity";
        case kCompareGreater: return "cmp_gt";
        default: return "pointwise" + std::to_string(op.mode);
    }
}

std::string GraphFacts::pattern() const {
    std::string text;
    for (const OperationPtr& op : graph.operations) {
        text += (text.empty() ? "" : " ") + operation_word(*op);
    }
    return text;
}

Verdict judge(EngineClass engine, const GraphFacts& facts, Stage stage) {
    for (const Rule& rule : rules()) {
        if (rule.engine == engine && rule.stage == stage && !rule.holds(facts)) {
            return {rule.refusal, std::string(rule.demand) + " (" + rule.source + "); the graph is: " + facts.pattern()};
        }
    }
    return {};
}

}  // namespace simgpu::cudnn
