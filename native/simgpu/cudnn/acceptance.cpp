// The rules follow NVIDIA's cuDNN documentation of version 9.20, developer guide, "Graph API" (Supported Graph
// Patterns); the source column names the section. Nothing here was learnt from a device yet: where one answers
// otherwise, the row is to be corrected, with the date and the device.
#include <algorithm>

#include "conditions.h"

namespace simgpu::cudnn {
namespace {

using namespace conditions;

constexpr const char* kSingle = "Pre-compiled Single Operation Engines";
constexpr const char* kBiasAct = "Specialized Pre-compiled Engines, ConvBiasAct";
constexpr const char* k90 = "Generic Runtime Fusion Engines, Support Surface 90";
constexpr const char* k80 = "Generic Runtime Fusion Engines, Support Surface 80";
constexpr const char* k70 = "Generic Runtime Fusion Engines, Support Surface 70";
constexpr const char* kOperationRules = "Operation-specific Constraints for the Runtime Fusion Engines";
constexpr const char* kBnFprop = "Specialized Pre-compiled Engines, ConvBNfprop";
constexpr const char* kBnWgrad = "Specialized Pre-compiled Engines, ConvBNwgrad";
constexpr const char* kDgradBn = "Specialized Pre-compiled Engines, DgradDreluBNBwdWeight";
constexpr const char* kNormAdd = "Specialized Runtime Compiled Engines, BnAddRelu";
constexpr const char* kForkNorm = "Specialized Runtime Compiled Engines, DReluForkDBn";
constexpr const char* kFinalizeSource = "Backend API, CUDNN_BACKEND_OPERATION_BN_FINALIZE_STATISTICS_DESCRIPTOR";

template <EngineClass engine>
void add_runtime_rules(std::vector<Rule>& table, const char* source) {
    const Stage pattern = Stage::pattern;
    const Stage finalize = Stage::finalize;
    table.insert(table.end(), {
        {engine, "convolutions have alpha 1 and beta 0, pointwise operations alpha1 and alpha2 1", finalize,
         kUnsupportedPattern, kOperationRules, scalars_are_one},
        {engine, "the result of the convolution is the first operand, and no broadcast tensor is", finalize,
         kUnsupportedPattern, kOperationRules, first_operands_fit},
        {engine, "at most one reduction, as an exit node, computed and written in FLOAT", finalize,
         kUnsupportedPattern, kOperationRules, one_reduction_at_the_exit},
        {engine, "pointwise operations compute in FLOAT", finalize, kUnsupportedDataType, source,
         pointwise_computes_in_float},
        {engine, "the prologue holds pointwise operations with virtual results", pattern, kUnsupportedPattern, source,
         [](F f) { return only_pointwise(f.prologue) && virtual_prologue(f); }},
        {engine, "tensors are NHWC", finalize, kUnsupportedLayout, source,
         [](F f) { return all_tensors(f, packed_channels); }},
        {engine, "operands of the epilogue have the full shape or one of the listed broadcasts", finalize,
         kUnsupportedShape, source, [](F f) { return f.main == nullptr || epilogue_dims_fit(f); }},
    });
}

std::vector<Rule> make_rules() {
    const Stage pattern = Stage::pattern;
    const Stage finalize = Stage::finalize;
    using E = EngineClass;
    std::vector<Rule> table = {
        // One operation.
        {E::convolution, "the graph is one convolution", pattern, kUnsupportedPattern, kSingle, is_single_convolution},
        {E::convolution, "x, w and y share FLOAT, HALF or BFLOAT16", finalize, kUnsupportedDataType, kSingle,
         [](F f) { return main_types_fit(f) && f.main_output()->type == f.main_inputs().front()->type; }},
        {E::convolution, "tensors are NHWC or NCHW", finalize, kUnsupportedLayout, kSingle,
         [](F f) { return all_tensors(f, either_layout); }},
        {E::convolution, "tensors lie in memory", finalize, kUnsupportedPattern, kSingle,
         [](F f) { return all_tensors(f, [](const Tensor& t) { return !t.is_virtual; }); }},

        // Convolution, bias, activation; a residual may be added in front of the bias.
        {E::convolution_bias_act, "conv_fwd, [add z], add bias, [relu]", pattern, kUnsupportedPattern, kBiasAct,
         [](F f) {
             return pattern_is(f, {"conv_fwd add", "conv_fwd add relu", "conv_fwd add add", "conv_fwd add add relu"}) &&
                 f.groups() == 1 && first_operands_fit(f);
         }},
        {E::convolution_bias_act, "the last addend is a bias [1,K,1,1], one before it has the shape of y", pattern,
         kUnsupportedPattern, kBiasAct,
         [](F f) {
             std::vector<TensorPtr> addends;
             for (const OperationPtr& op : f.epilogue) {
                 if (op->mode == kAdd) {
                     addends.push_back(op->tensor(752));
                 }
             }
             const Dims full = f.main_output()->dims;
             return dims_are(addends.back(), full, {1}) &&
                 (addends.size() == 1 || dims_are(addends.front(), full, {0, 1, 2, 3}));
         }},
        {E::convolution_bias_act, "FLOAT, HALF or BFLOAT16 in and out, virtual tensors FLOAT", finalize,
         kUnsupportedDataType, kBiasAct,
         [](F f) {
             return main_types_fit(f) && all_tensors(f, [](const Tensor& t) {
                 return t.is_virtual ? t.type == DataType::float32 : is_float_type(t.type);
             });
         }},
        {E::convolution_bias_act, "tensors are NHWC", finalize, kUnsupportedLayout, kBiasAct,
         [](F f) { return all_tensors(f, packed_channels); }},

        // Surface 90.
        {E::runtime_90, "one convolution or matmul", pattern, kUnsupportedPattern, k90, [](F f) { return f.mains == 1; }},
        {E::runtime_90, "the epilogue holds pointwise operations and a reduction", pattern, kUnsupportedPattern, k90,
         [](F f) { return epilogue_is(f, {kReductionOperation}); }},
        {E::runtime_90, "wgrad has no prologue", finalize, kUnsupportedPattern, k90,
         [](F f) { return f.main->type != kConvolutionWgrad || f.prologue.empty(); }},
        {E::runtime_90, "dgrad is not strided", finalize, kUnsupportedPattern, k90,
         [](F f) { return f.main->type != kConvolutionDgrad || !f.is_strided(); }},
        {E::runtime_90, "a grouped convolution has no reduction, and a grouped dgrad no epilogue", finalize,
         kUnsupportedPattern, k90,
         [](F f) {
             return f.groups() == 1 ||
                 (f.reductions.empty() && (f.main->type != kConvolutionDgrad || f.epilogue.empty()));
         }},
        {E::runtime_90, "inputs FLOAT, HALF or BFLOAT16 of one type, FLOAT sums", finalize, kUnsupportedDataType, k90,
         main_types_fit},
        {E::runtime_90, "what the convolution and its prologue read is aligned to 128 bits", finalize,
         kUnsupportedLayout, k90, [](F f) { return aligned_to(memory_inputs(f), 16); }},
        {E::runtime_90, "operands of the prologue are [1,1,1,1], [1,C,1,1] or [N,C,H,W]", finalize, kUnsupportedShape,
         k90, prologue_dims_fit},
        {E::runtime_90, "the reduction keeps nothing, [N,1,P,Q], [1,K,1,1], [N,K,1,1] or [N,1,1,1]", finalize,
         kUnsupportedShape, k90, [](F f) { return reduction_dims_fit(f, true); }},

        // Surface 80.
        {E::runtime_80, "one forward convolution or matmul", pattern, kUnsupportedPattern, k80,
         [](F f) { return f.mains == 1 && (f.main->type == kConvolutionForward || f.main->type == kMatmulOperation); }},
        {E::runtime_80, "the epilogue holds pointwise operations and a reduction", pattern, kUnsupportedPattern, k80,
         [](F f) { return epilogue_is(f, {kReductionOperation}); }},
        {E::runtime_80, "inputs FLOAT, HALF or BFLOAT16 of one type, FLOAT sums", finalize, kUnsupportedDataType, k80,
         main_types_fit},
        {E::runtime_80, "what the convolution and its prologue read is aligned to 32 bits, 8 without a prologue",
         finalize, kUnsupportedLayout, k80,
         [](F f) { return f.prologue.empty() || aligned_to(memory_inputs(f), 4); }},
        {E::runtime_80, "operands of the prologue are [1,1,1,1], [1,C,1,1] or [N,C,H,W]", finalize, kUnsupportedShape,
         k80, prologue_dims_fit},
        {E::runtime_80, "the reduction keeps nothing, [N,1,P,Q], [1,K,1,1] or [N,1,1,1]", finalize, kUnsupportedShape,
         k80,
         [](F f) {
             return reduction_dims_fit(f, true) &&
                 std::none_of(f.reductions.begin(), f.reductions.end(), [](const OperationPtr& op) {
                     return op->tensor(1611)->dims[0] > 1 && op->tensor(1611)->dims[1] > 1;
                 });
         }},

        // Surface 70, which alone takes graphs without a convolution.
        {E::runtime_70, "at most one convolution or matmul, and no norm operation", pattern, kUnsupportedPattern, k70,
         [](F f) {
             return f.mains <= 1 && f.groups() == 1 && !has(f, kNormForward) && !has(f, kNormBackward) &&
                 !has(f, kBnFinalize) && !has(f, kBnBwdWeights);
         }},
        {E::runtime_70, "a prologue of wgrad or a forward convolution is scale, bias, ReLU on x in HALF; dgrad has none",
         finalize, kUnsupportedPattern, k70,
         [](F f) {
             return f.prologue.empty() || (f.main->type != kConvolutionDgrad && is_scale_bias_relu_in_half(f));
         }},
        {E::runtime_70, "inputs FLOAT, HALF or BFLOAT16 of one type, FLOAT sums", finalize, kUnsupportedDataType, k70,
         [](F f) { return f.main == nullptr || main_types_fit(f); }},
        {E::runtime_70, "tensors are aligned to 32 bits, results of pointwise operations to 8", finalize,
         kUnsupportedLayout, k70,
         [](F f) {
             std::vector<TensorPtr> read = memory_inputs(f);
             const auto more = f.operands(f.epilogue);
             read.insert(read.end(), more.begin(), more.end());
             return aligned_to(read, 4);
         }},
        {E::runtime_70, "GenStats reads HALF or FLOAT and writes FLOAT", finalize, kUnsupportedDataType, k70,
         [](F f) {
             for (const OperationPtr& op : f.graph.operations) {
                 if (op->type == kGenStats &&
                     (op->tensor(772)->type == DataType::bfloat16 || op->tensor(773)->type != DataType::float32 ||
                      op->tensor(774)->type != DataType::float32)) {
                     return false;
                 }
             }
             return true;
         }},
        {E::runtime_70, "the reduction keeps nothing, [N,1,P,Q] or [1,K,1,1]", finalize, kUnsupportedShape, k70,
         [](F f) { return f.main == nullptr || reduction_dims_fit(f, false); }},
        {E::runtime_70, "a resample reads from memory, with zero padding for averages and -inf for maxima", finalize,
         kUnsupportedPattern, kOperationRules,
         [](F f) {
             for (const OperationPtr& op : f.graph.operations) {
                 if (op->type == kResampleForward || op->type == kResampleBackward) {
                     const TensorPtr in = op->tensor(op->type == kResampleForward ? 1710 : 1721);
                     const bool maximum = op->resample.mode == 3;
                     if (f.graph.produces(in) || op->resample.padding_mode != (maximum ? 1 : 0) ||
                         op->compute != DataType::float32) {
                         return false;
                     }
                     if (maximum && op->type == kResampleBackward && op->tensor(1722) == nullptr) {
                         return false;
                     }
                 }
             }
             return true;
         }},

        // Exact patterns, FP16 only.
        {E::convolution_bn_fprop, "[mul, add, relu on x], conv_fwd, gen_stats", pattern, kUnsupportedPattern, kBnFprop,
         [](F f) { return pattern_is(f, {"mul add relu conv_fwd gen_stats", "conv_fwd gen_stats"}); }},
        {E::convolution_bn_fprop, "x, w, scale, bias and y are HALF", finalize, kUnsupportedDataType, kBnFprop,
         [](F f) {
             return only_half_in_memory(f) && (f.prologue.empty() || is_scale_bias_relu_in_half(f));
         }},
        {E::convolution_bn_fprop, "y lies in memory; tensors are NHWC and aligned to 16 bytes", finalize,
         kUnsupportedLayout, kBnFprop,
         [](F f) {
             return !f.main_output()->is_virtual && all_tensors(f, packed_channels) && aligned_to(memory_inputs(f), 16) &&
                 f.groups() == 1;
         }},
        {E::convolution_bn_wgrad, "mul, add, relu on x, wgrad", pattern, kUnsupportedPattern, kBnWgrad,
         [](F f) { return pattern_is(f, {"mul add relu wgrad"}); }},
        {E::convolution_bn_wgrad, "x, dy, scale, bias and dw are HALF", finalize, kUnsupportedDataType, kBnWgrad,
         [](F f) { return only_half_in_memory(f) && is_scale_bias_relu_in_half(f); }},
        {E::convolution_bn_wgrad, "tensors are NHWC and aligned to 16 bytes", finalize, kUnsupportedLayout, kBnWgrad,
         [](F f) { return all_tensors(f, packed_channels) && aligned_to(memory_inputs(f), 16) && f.groups() == 1; }},
        {E::dgrad_drelu_bn, "dgrad, ReLU mask of the recomputed batch norm, bn_bwd_weights", pattern,
         kUnsupportedPattern, kDgradBn,
         [](F f) {
             // The recomputed normalisation stands in any order beside the dgrad.
             std::string order = f.pattern();
             return f.mains == 1 && f.main->type == kConvolutionDgrad && has(f, kBnBwdWeights) &&
                 f.graph.operations.size() == 7 && order.find("relu_bwd") != std::string::npos &&
                 order.find("sub") != std::string::npos;
         }},
        {E::dgrad_drelu_bn, "dy, w and x are HALF, parameters and results FLOAT", finalize, kUnsupportedDataType,
         kDgradBn,
         [](F f) {
             for (const auto& entry : f.graph.tensors) {
                 const Tensor& t = *entry.second;
                 const bool vector = t.dims.size() == 4 && t.dims[0] == 1 && t.dims[2] == 1 && t.dims[3] == 1 &&
                     &t != f.main_tensor('w').get();
                 if (!t.is_virtual && t.type != (vector ? DataType::float32 : DataType::float16)) {
                     return false;
                 }
             }
             return true;
         }},
        {E::dgrad_drelu_bn, "tensors are NHWC and aligned to 16 bytes", finalize, kUnsupportedLayout, kDgradBn,
         [](F f) { return all_tensors(f, packed_channels) && aligned_to(memory_inputs(f), 16); }},

        // Batch norm.
        {E::bn_finalize, "the graph is one bn_finalize", pattern, kUnsupportedPattern, kFinalizeSource,
         [](F f) { return pattern_is(f, {"bn_finalize"}); }},
        {E::bn_finalize, "vectors are FLOAT", finalize, kUnsupportedDataType, kFinalizeSource, per_channel_is_float},
        {E::norm_forward, "norm_fwd in training, [add z], [relu], [cmp_gt mask]", pattern, kUnsupportedPattern, kNormAdd,
         [](F f) {
             return pattern_is(f, {"norm_fwd", "norm_fwd relu", "norm_fwd add", "norm_fwd add relu",
                                   "norm_fwd relu cmp_gt", "norm_fwd add relu cmp_gt"});
         }},
        {E::norm_forward, "data FLOAT, HALF or BFLOAT16; parameters and statistics FLOAT", finalize,
         kUnsupportedDataType, kNormAdd, [](F f) { return norm_parameters_are_float(f) && norm_data_fits(f); }},
        {E::norm_forward, "channels are a multiple of 8 in 16 bits, of 4 in FLOAT", finalize, kUnsupportedShape,
         kNormAdd, norm_channels_fit},
        {E::norm_forward, "tensors are NHWC", finalize, kUnsupportedLayout, kNormAdd,
         [](F f) { return all_tensors(f, packed_channels); }},
        {E::norm_backward, "[mul by the ReLU mask, or the recomputed ReLU mask], norm_bwd", pattern,
         kUnsupportedPattern, kForkNorm,
         [](F f) {
             return pattern_is(f, {"norm_bwd", "mul norm_bwd", "relu_bwd norm_bwd",
                                   "sub mul mul add relu_bwd norm_bwd"});
         }},
        {E::norm_backward, "data FLOAT, HALF or BFLOAT16; parameters and statistics FLOAT", finalize,
         kUnsupportedDataType, kForkNorm, [](F f) { return norm_parameters_are_float(f) && norm_data_fits(f); }},
        {E::norm_backward, "channels are a multiple of 8 in 16 bits, of 4 in FLOAT", finalize, kUnsupportedShape,
         kForkNorm, norm_channels_fit},
        {E::norm_backward, "tensors are NHWC", finalize, kUnsupportedLayout, kForkNorm,
         [](F f) { return all_tensors(f, packed_channels); }},
    };
    add_runtime_rules<E::runtime_90>(table, k90);
    add_runtime_rules<E::runtime_80>(table, k80);
    add_runtime_rules<E::runtime_70>(table, k70);
    return table;
}

}  // namespace

const std::vector<Rule>& rules() {
    static const std::vector<Rule> table = make_rules();
    return table;
}

}  // namespace simgpu::cudnn
