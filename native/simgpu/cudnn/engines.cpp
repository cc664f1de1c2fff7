#include "engines.h"

#include <algorithm>
#include <sstream>

#include "../core/call.h"
#include "../core/graphs.h"

namespace simgpu::cudnn {
namespace {

constexpr int kSplitKKnob = 0;

/// Cheap, order-independent description of a graph: a plan restored from text names the graph that it was made for.
std::string describe(const OperationGraph& graph) {
    std::ostringstream text;
    for (const OperationPtr& op : graph.operations) {
        text << op->type << ':' << op->mode;
        for (const auto& [attribute, tensor] : op->tensors) {
            text << ' ' << attribute << '=' << tensor->text();
        }
        text << '|';
    }
    return text.str();
}

std::map<std::string, std::shared_ptr<const EngineConfig>>& restorable() {
    static auto* all = new std::map<std::string, std::shared_ptr<const EngineConfig>>;
    return *all;
}

bool in_float(const OperationGraph& graph) {
    return std::any_of(graph.operations.begin(), graph.operations.end(), [](const OperationPtr& op) {
        return op->is_main() && op->tensor(op->inputs.front())->type == DataType::float32;
    });
}

bool has_main(const OperationGraph& graph) {
    return std::any_of(graph.operations.begin(), graph.operations.end(),
                       [](const OperationPtr& op) { return op->is_main(); });
}

/// Split-K engines are for gradients, and a script may leave an engine out.
bool fits(const Engine& engine, const OperationGraph& graph) {
    if (settings().absent_engines.count(static_cast<long>(engine.index)) != 0) {
        return false;
    }
    if (engine.split_k) {
        return std::any_of(graph.operations.begin(), graph.operations.end(), [](const OperationPtr& op) {
            return op->type == kConvolutionWgrad || op->type == kConvolutionDgrad;
        });
    }
    return true;
}

std::string plan_text(const EngineConfig& config, std::int64_t workspace) {
    std::string knobs;
    for (const auto& [knob, value] : config.knobs) {
        knobs += "_k" + std::to_string(knob) + "=" + std::to_string(value);
    }
    return "{\"simgpu_plan\":1,\"engine\":" + std::to_string(config.engine->index) + ",\"tag\":\"eng" +
        std::to_string(config.engine->index) + knobs + "\",\"workspace\":" + std::to_string(workspace) +
        ",\"graph\":\"" + describe(*config.graph) + "\"}";
}

}  // namespace

const std::vector<Engine>& engines() {
    using E = EngineClass;
    // index, name, accepts, tensor core, nondeterministic, compiled at run time, split-K
    static const std::vector<Engine> table = {
        {0, "implicit GEMM, FMA", E::convolution, false, false, false, false},
        {1, "implicit GEMM, tensor cores", E::convolution, true, false, false, false},
        {2, "split-K with ordered sums", E::convolution, true, false, false, true},
        {3, "split-K with atomic sums", E::convolution, true, true, false, true},
        {10, "ConvBiasAct, FMA", E::convolution_bias_act, false, false, false, false},
        {11, "ConvBiasAct, tensor cores", E::convolution_bias_act, true, false, false, false},
        {20, "runtime fusion, surface 90", E::runtime_90, true, false, true, false},
        {21, "runtime fusion, surface 80", E::runtime_80, true, false, true, false},
        {22, "runtime fusion, surface 70", E::runtime_70, true, false, true, false},
        {30, "ConvBNfprop", E::convolution_bn_fprop, true, false, false, false},
        {31, "ConvBNwgrad", E::convolution_bn_wgrad, true, false, false, false},
        {32, "DgradDreluBNBwdWeight", E::dgrad_drelu_bn, true, false, false, false},
        {40, "BnFinalize", E::bn_finalize, false, false, false, false},
        {41, "NormAddRelu", E::norm_forward, false, false, true, false},
        {42, "DReluForkDNorm", E::norm_backward, false, false, true, false},
    };
    return table;
}

std::vector<int> EngineConfig::numerical_notes() const {
    std::vector<int> notes;
    if (engine->tensor_core && has_main(*graph)) {
        notes.push_back(kTensorCore);
        if (in_float(*graph)) {
            notes.push_back(kDownConvertInputs);
        }
    }
    if (engine->nondeterministic) {
        notes.push_back(kNondeterministic);
    }
    return notes;
}

std::vector<int> EngineConfig::behavior_notes() const {
    return engine->runtime_compiled ? std::vector<int>{kRuntimeCompilation} : std::vector<int>{};
}

std::int64_t EngineConfig::workspace_bytes() const {
    std::int64_t bytes = 0;
    for (const OperationPtr& op : graph->operations) {
        if (engine->split_k && op->is_convolution()) {
            const auto found = knobs.find(kSplitKKnob);
            bytes += op->tensor(op->outputs.front())->elements() * 4 * (found == knobs.end() ? 2 : found->second);
        } else if (op->type == kNormForward || op->type == kNormBackward) {
            const TensorPtr x = op->tensor(op->type == kNormForward ? 2002 : 2101);
            bytes += x->dims[1] * 16;
        } else if (engine->index == 1 && op->type == kConvolutionWgrad) {
            bytes += op->tensor(715)->elements() * 4;
        }
    }
    return (bytes + 255) / 256 * 256;
}

bool EngineConfig::rounds_to_tf32() const {
    return engine->tensor_core && in_float(*graph);
}

Status make_engine(Descriptor& descriptor) {
    const auto graph = descriptor.child(1300)->graph;
    const auto index = descriptor.get<std::int64_t>(1301);
    const auto& all = engines();
    const auto found = std::find_if(all.begin(), all.end(), [&](const Engine& engine) { return engine.index == index; });
    if (found == all.end()) {
        return fail(kNotSupported, "there is no engine %lld", static_cast<long long>(index));
    }
    const Verdict verdict = judge(found->accepts, GraphFacts(*graph), Stage::pattern);
    if (verdict.status != kSuccess || !fits(*found, *graph)) {
        return fail(kNotSupported, "engine %lld (%s): %s", static_cast<long long>(index), found->name,
                    verdict.reason.c_str());
    }
    auto config = std::make_shared<EngineConfig>();
    config->graph = graph;
    config->engine = &*found;
    descriptor.config = config;
    return kSuccess;
}

Status make_config(Descriptor& descriptor) {
    const auto engine = descriptor.child(300)->config;
    auto config = std::make_shared<EngineConfig>(*engine);
    const auto choices = descriptor.children.find(302);
    if (choices != descriptor.children.end()) {
        for (const auto& choice : choices->second) {
            const int knob = choice->get<int>(600);
            const auto value = choice->get<std::int64_t>(601);
            if (knob != kSplitKKnob || !engine->engine->split_k || value < 1 || value > 4) {
                return fail(kBadParam, "engine %lld takes no knob %d = %lld",
                            static_cast<long long>(engine->engine->index), knob, static_cast<long long>(value));
            }
            config->knobs[knob] = value;
        }
    }
    descriptor.config = config;
    return kSuccess;
}

Status make_heuristics(Descriptor& descriptor) {
    const auto graph = descriptor.child(201)->graph;
    const int mode = descriptor.get<int>(200);
    count_call("heuristics");
    if (mode < 0 || mode > 3) {
        return fail(kBadParam, "heuristics mode %d", mode);
    }
    const GraphFacts facts(*graph);
    std::vector<std::shared_ptr<const EngineConfig>> results;
    std::string reasons;
    for (const Engine& engine : engines()) {
        const Verdict verdict = judge(engine.accepts, facts, Stage::pattern);
        if (verdict.status != kSuccess || !fits(engine, *graph)) {
            reasons += verdict.reason.empty() ? "" : std::string(reasons.empty() ? "" : "; ") + engine.name + ": " + verdict.reason;
            continue;
        }
        auto config = std::make_shared<EngineConfig>();
        config->graph = graph;
        config->engine = &engine;
        results.push_back(config);
    }
    switch (settings().heuristics) {
        case Settings::Heuristics::nothing:
            return kSuccess;
        case Settings::Heuristics::garbage: {
            // Engines that have nothing to do with the graph: the plan must refuse, and the caller must go on.
            for (const Engine& engine : engines()) {
                if (judge(engine.accepts, facts, Stage::pattern).status != kSuccess) {
                    auto config = std::make_shared<EngineConfig>();
                    config->graph = graph;
                    config->engine = &engine;
                    descriptor.results.push_back(config);
                }
            }
            return kSuccess;
        }
        default: break;
    }
    if (results.empty()) {
        return fail(kUnsupportedPattern, "no engine takes the graph %s: %s", facts.pattern().c_str(), reasons.c_str());
    }
    if (mode == 2) {
        // The functional list: plain engines, not ordered by speed.
        results.erase(std::remove_if(results.begin(), results.end(),
                                     [](const auto& config) {
                                         return config->engine->nondeterministic || config->engine->split_k;
                                     }),
                      results.end());
    } else {
        std::stable_partition(results.begin(), results.end(),
                              [](const auto& config) { return config->engine->tensor_core; });
    }
    if (mode == 1) {
        // Mode B weighs more candidates: split-K in several depths.
        const std::size_t count = results.size();
        for (std::size_t i = 0; i < count; ++i) {
            if (results[i]->engine->split_k) {
                auto deeper = std::make_shared<EngineConfig>(*results[i]);
                deeper->knobs[kSplitKKnob] = 4;
                results.push_back(deeper);
            }
        }
    }
    descriptor.results = results;
    return kSuccess;
}

static Status adopt(Descriptor& descriptor, std::shared_ptr<const EngineConfig> config) {
    if (const int forbidden = forbid_in_capture()) {
        return fail(kExecutionFailedDriver, "loading the code of a plan while a stream is being captured (%d)", forbidden);
    }
    const GraphFacts facts(*config->graph);
    for (const Stage stage : {Stage::pattern, Stage::finalize}) {
        const Verdict verdict = judge(config->engine->accepts, facts, stage);
        if (verdict.status != kSuccess) {
            return fail(verdict.status, "engine %lld (%s): %s", static_cast<long long>(config->engine->index),
                        config->engine->name, verdict.reason.c_str());
        }
    }
    auto plan = std::make_shared<Plan>();
    plan->config = config;
    plan->workspace_bytes = config->workspace_bytes();
    plan->text = plan_text(*config, plan->workspace_bytes);
    restorable()[plan->text] = config;
    descriptor.plan = plan;
    return kSuccess;
}

Status make_plan(Descriptor& descriptor) {
    const auto config = descriptor.child(401);
    if (config == nullptr) {
        return fail(kBadParam, "EXECUTION_PLAN_ENGINE_CONFIG is not set");
    }
    return adopt(descriptor, config->config);
}

/// The simulator restores only plans of this process: text of another one is answered as another version would answer.
Status make_plan_from_text(Descriptor& descriptor) {
    const auto characters = descriptor.list<char>(405);
    const auto found = restorable().find(std::string(characters.begin(), characters.end()));
    if (found == restorable().end()) {
        constexpr auto kVersionMismatch = static_cast<Status>(1003);
        return fail(kVersionMismatch, "the text is not that of a plan of this library");
    }
    return adopt(descriptor, found->second);
}

}  // namespace simgpu::cudnn
