// Which attribute of which descriptor takes what: numbers and value types as in cudnn_graph.h of cuDNN 9.6 and the
// attribute pages of NVIDIA's cuDNN backend API documentation.
#include <algorithm>

#include "descriptors.h"

namespace simgpu::cudnn {

const std::vector<AttributeRow>& attribute_rows() {
    static const std::vector<AttributeRow> rows = {
        {kTensor, 900, "TENSOR_BYTE_ALIGNMENT", kInt64Value, -1, 1, kRequired, -1},
        {kTensor, 901, "TENSOR_DATA_TYPE", kDataTypeValue, -1, 1, kRequired, -1},
        {kTensor, 902, "TENSOR_DIMENSIONS", kInt64Value, -1, 8, kRequired, -1},
        {kTensor, 903, "TENSOR_STRIDES", kInt64Value, -1, 8, kRequired, -1},
        {kTensor, 904, "TENSOR_VECTOR_COUNT", kInt64Value, -1, 1, kOptional, -1},
        {kTensor, 905, "TENSOR_VECTORIZED_DIMENSION", kInt64Value, -1, 1, kOptional, -1},
        {kTensor, 906, "TENSOR_UNIQUE_ID", kInt64Value, -1, 1, kRequired, -1},
        {kTensor, 907, "TENSOR_IS_VIRTUAL", kBooleanValue, -1, 1, kOptional, -1},
        {kTensor, 908, "TENSOR_IS_BY_VALUE", kBooleanValue, -1, 1, kOptional, -1},
        {kTensor, 909, "TENSOR_REORDERING_MODE", kReorderingValue, -1, 1, kOptional, -1},
        {kConvolution, 100, "CONVOLUTION_COMP_TYPE", kDataTypeValue, -1, 1, kRequired, -1},
        {kConvolution, 101, "CONVOLUTION_CONV_MODE", kConvolutionModeValue, -1, 1, kRequired, -1},
        {kConvolution, 102, "CONVOLUTION_DILATIONS", kInt64Value, -1, 8, kRequired, -1},
        {kConvolution, 103, "CONVOLUTION_FILTER_STRIDES", kInt64Value, -1, 8, kRequired, -1},
        {kConvolution, 104, "CONVOLUTION_POST_PADDINGS", kInt64Value, -1, 8, kRequired, -1},
        {kConvolution, 105, "CONVOLUTION_PRE_PADDINGS", kInt64Value, -1, 8, kRequired, -1},
        {kConvolution, 106, "CONVOLUTION_SPATIAL_DIMS", kInt64Value, -1, 1, kRequired, -1},
        {kConvolutionForward, 700, "OPERATION_CONVOLUTION_FORWARD_ALPHA", kFloatValue, kDoubleValue, 1, kRequired, -1},
        {kConvolutionForward, 701, "OPERATION_CONVOLUTION_FORWARD_BETA", kFloatValue, kDoubleValue, 1, kRequired, -1},
        {kConvolutionForward, 702, "OPERATION_CONVOLUTION_FORWARD_CONV_DESC", kDescriptorValue, -1, 1, kRequired, kConvolution},
        {kConvolutionForward, 703, "OPERATION_CONVOLUTION_FORWARD_W", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kConvolutionForward, 704, "OPERATION_CONVOLUTION_FORWARD_X", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kConvolutionForward, 705, "OPERATION_CONVOLUTION_FORWARD_Y", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kConvolutionDgrad, 706, "OPERATION_CONVOLUTION_BWD_DATA_ALPHA", kFloatValue, kDoubleValue, 1, kRequired, -1},
        {kConvolutionDgrad, 707, "OPERATION_CONVOLUTION_BWD_DATA_BETA", kFloatValue, kDoubleValue, 1, kRequired, -1},
        {kConvolutionDgrad, 708, "OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC", kDescriptorValue, -1, 1, kRequired, kConvolution},
        {kConvolutionDgrad, 709, "OPERATION_CONVOLUTION_BWD_DATA_W", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kConvolutionDgrad, 710, "OPERATION_CONVOLUTION_BWD_DATA_DX", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kConvolutionDgrad, 711, "OPERATION_CONVOLUTION_BWD_DATA_DY", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kConvolutionWgrad, 712, "OPERATION_CONVOLUTION_BWD_FILTER_ALPHA", kFloatValue, kDoubleValue, 1, kRequired, -1},
        {kConvolutionWgrad, 713, "OPERATION_CONVOLUTION_BWD_FILTER_BETA", kFloatValue, kDoubleValue, 1, kRequired, -1},
        {kConvolutionWgrad, 714, "OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC", kDescriptorValue, -1, 1, kRequired, kConvolution},
        {kConvolutionWgrad, 715, "OPERATION_CONVOLUTION_BWD_FILTER_DW", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kConvolutionWgrad, 716, "OPERATION_CONVOLUTION_BWD_FILTER_X", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kConvolutionWgrad, 717, "OPERATION_CONVOLUTION_BWD_FILTER_DY", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kPointwise, 0, "POINTWISE_MODE", kPointwiseModeValue, -1, 1, kRequired, -1},
        {kPointwise, 1, "POINTWISE_MATH_PREC", kDataTypeValue, -1, 1, kRequired, -1},
        {kPointwise, 2, "POINTWISE_NAN_PROPAGATION", kNanValue, -1, 1, kOptional, -1},
        {kPointwise, 3, "POINTWISE_RELU_LOWER_CLIP", kDoubleValue, -1, 1, kOptional, -1},
        {kPointwise, 4, "POINTWISE_RELU_UPPER_CLIP", kDoubleValue, -1, 1, kOptional, -1},
        {kPointwise, 5, "POINTWISE_RELU_LOWER_CLIP_SLOPE", kDoubleValue, -1, 1, kOptional, -1},
        {kPointwise, 9, "POINTWISE_AXIS", kInt64Value, -1, 1, kOptional, -1},
        {kPointwiseOperation, 750, "OPERATION_POINTWISE_PW_DESCRIPTOR", kDescriptorValue, -1, 1, kRequired, kPointwise},
        {kPointwiseOperation, 751, "OPERATION_POINTWISE_XDESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kPointwiseOperation, 752, "OPERATION_POINTWISE_BDESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kPointwiseOperation, 753, "OPERATION_POINTWISE_YDESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kPointwiseOperation, 754, "OPERATION_POINTWISE_ALPHA1", kFloatValue, kDoubleValue, 1, kOptional, -1},
        {kPointwiseOperation, 755, "OPERATION_POINTWISE_ALPHA2", kFloatValue, kDoubleValue, 1, kOptional, -1},
        {kPointwiseOperation, 756, "OPERATION_POINTWISE_DXDESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kPointwiseOperation, 757, "OPERATION_POINTWISE_DYDESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kPointwiseOperation, 758, "OPERATION_POINTWISE_TDESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kReduction, 1600, "REDUCTION_OPERATOR", kReductionOperatorValue, -1, 1, kRequired, -1},
        {kReduction, 1601, "REDUCTION_COMP_TYPE", kDataTypeValue, -1, 1, kRequired, -1},
        {kReduction, 1602, "REDUCTION_IS_DETERMINISTIC", kBooleanValue, -1, 1, kOptional, -1},
        {kReductionOperation, 1610, "OPERATION_REDUCTION_XDESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kReductionOperation, 1611, "OPERATION_REDUCTION_YDESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kReductionOperation, 1612, "OPERATION_REDUCTION_DESC", kDescriptorValue, -1, 1, kRequired, kReduction},
        {kMatmul, 1500, "MATMUL_COMP_TYPE", kDataTypeValue, -1, 1, kRequired, -1},
        {kMatmul, 1503, "MATMUL_PADDING_VALUE", kDoubleValue, -1, 1, kOptional, -1},
        {kMatmulOperation, 1520, "OPERATION_MATMUL_ADESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kMatmulOperation, 1521, "OPERATION_MATMUL_BDESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kMatmulOperation, 1522, "OPERATION_MATMUL_CDESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kMatmulOperation, 1523, "OPERATION_MATMUL_DESC", kDescriptorValue, -1, 1, kRequired, kMatmul},
        {kGenStats, 770, "OPERATION_GENSTATS_MODE", kGenStatsModeValue, -1, 1, kRequired, -1},
        {kGenStats, 771, "OPERATION_GENSTATS_MATH_PREC", kDataTypeValue, -1, 1, kRequired, -1},
        {kGenStats, 772, "OPERATION_GENSTATS_XDESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kGenStats, 773, "OPERATION_GENSTATS_SUMDESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kGenStats, 774, "OPERATION_GENSTATS_SQSUMDESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnFinalize, 780, "OPERATION_BN_FINALIZE_STATS_MODE", kBnFinalizeModeValue, -1, 1, kRequired, -1},
        {kBnFinalize, 781, "OPERATION_BN_FINALIZE_MATH_PREC", kDataTypeValue, -1, 1, kRequired, -1},
        {kBnFinalize, 782, "OPERATION_BN_FINALIZE_Y_SUM_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnFinalize, 783, "OPERATION_BN_FINALIZE_Y_SQ_SUM_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnFinalize, 784, "OPERATION_BN_FINALIZE_SCALE_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnFinalize, 785, "OPERATION_BN_FINALIZE_BIAS_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnFinalize, 786, "OPERATION_BN_FINALIZE_PREV_RUNNING_MEAN_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kBnFinalize, 787, "OPERATION_BN_FINALIZE_PREV_RUNNING_VAR_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kBnFinalize, 788, "OPERATION_BN_FINALIZE_UPDATED_RUNNING_MEAN_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kBnFinalize, 789, "OPERATION_BN_FINALIZE_UPDATED_RUNNING_VAR_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kBnFinalize, 790, "OPERATION_BN_FINALIZE_SAVED_MEAN_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kBnFinalize, 791, "OPERATION_BN_FINALIZE_SAVED_INV_STD_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kBnFinalize, 792, "OPERATION_BN_FINALIZE_EQ_SCALE_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnFinalize, 793, "OPERATION_BN_FINALIZE_EQ_BIAS_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnFinalize, 794, "OPERATION_BN_FINALIZE_ACCUM_COUNT_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnFinalize, 795, "OPERATION_BN_FINALIZE_EPSILON_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnFinalize, 796, "OPERATION_BN_FINALIZE_EXP_AVERATE_FACTOR_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kBnBwdWeights, 1620, "OPERATION_BN_BWD_WEIGHTS_MATH_PREC", kDataTypeValue, -1, 1, kRequired, -1},
        {kBnBwdWeights, 1621, "OPERATION_BN_BWD_WEIGHTS_MEAN_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnBwdWeights, 1622, "OPERATION_BN_BWD_WEIGHTS_INVSTD_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnBwdWeights, 1623, "OPERATION_BN_BWD_WEIGHTS_BN_SCALE_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnBwdWeights, 1624, "OPERATION_BN_BWD_WEIGHTS_X_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnBwdWeights, 1625, "OPERATION_BN_BWD_WEIGHTS_DY_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnBwdWeights, 1626, "OPERATION_BN_BWD_WEIGHTS_DBN_SCALE_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnBwdWeights, 1627, "OPERATION_BN_BWD_WEIGHTS_DBN_BIAS_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnBwdWeights, 1628, "OPERATION_BN_BWD_WEIGHTS_EQ_DY_SCALE_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnBwdWeights, 1629, "OPERATION_BN_BWD_WEIGHTS_EQ_X_SCALE_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kBnBwdWeights, 1630, "OPERATION_BN_BWD_WEIGHTS_EQ_BIAS", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kNormForward, 2000, "OPERATION_NORM_FWD_MODE", kNormModeValue, -1, 1, kRequired, -1},
        {kNormForward, 2001, "OPERATION_NORM_FWD_PHASE", kNormPhaseValue, -1, 1, kRequired, -1},
        {kNormForward, 2002, "OPERATION_NORM_FWD_XDESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kNormForward, 2003, "OPERATION_NORM_FWD_MEAN_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kNormForward, 2004, "OPERATION_NORM_FWD_INV_VARIANCE_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kNormForward, 2005, "OPERATION_NORM_FWD_SCALE_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kNormForward, 2006, "OPERATION_NORM_FWD_BIAS_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kNormForward, 2007, "OPERATION_NORM_FWD_EPSILON_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kNormForward, 2008, "OPERATION_NORM_FWD_EXP_AVG_FACTOR_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kNormForward, 2009, "OPERATION_NORM_FWD_INPUT_RUNNING_MEAN_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kNormForward, 2010, "OPERATION_NORM_FWD_INPUT_RUNNING_VAR_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kNormForward, 2011, "OPERATION_NORM_FWD_OUTPUT_RUNNING_MEAN_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kNormForward, 2012, "OPERATION_NORM_FWD_OUTPUT_RUNNING_VAR_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kNormForward, 2013, "OPERATION_NORM_FWD_YDESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kNormForward, 2014, "OPERATION_NORM_FWD_PEER_STAT_DESCS", kDescriptorValue, -1, 32, kOptional, kTensor},
        {kNormBackward, 2100, "OPERATION_NORM_BWD_MODE", kNormModeValue, -1, 1, kRequired, -1},
        {kNormBackward, 2101, "OPERATION_NORM_BWD_XDESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kNormBackward, 2102, "OPERATION_NORM_BWD_MEAN_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kNormBackward, 2103, "OPERATION_NORM_BWD_INV_VARIANCE_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kNormBackward, 2104, "OPERATION_NORM_BWD_DYDESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kNormBackward, 2105, "OPERATION_NORM_BWD_SCALE_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kNormBackward, 2106, "OPERATION_NORM_BWD_EPSILON_DESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kNormBackward, 2107, "OPERATION_NORM_BWD_DSCALE_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kNormBackward, 2108, "OPERATION_NORM_BWD_DBIAS_DESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kNormBackward, 2109, "OPERATION_NORM_BWD_DXDESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kNormBackward, 2110, "OPERATION_NORM_BWD_PEER_STAT_DESCS", kDescriptorValue, -1, 32, kOptional, kTensor},
        {kResample, 1700, "RESAMPLE_MODE", kResampleModeValue, -1, 1, kRequired, -1},
        {kResample, 1701, "RESAMPLE_COMP_TYPE", kDataTypeValue, -1, 1, kRequired, -1},
        {kResample, 1702, "RESAMPLE_SPATIAL_DIMS", kInt64Value, -1, 1, kRequired, -1},
        {kResample, 1703, "RESAMPLE_POST_PADDINGS", kFractionValue, kInt64Value, 8, kRequired, -1},
        {kResample, 1704, "RESAMPLE_PRE_PADDINGS", kFractionValue, kInt64Value, 8, kRequired, -1},
        {kResample, 1705, "RESAMPLE_STRIDES", kFractionValue, kInt64Value, 8, kRequired, -1},
        {kResample, 1706, "RESAMPLE_WINDOW_DIMS", kFractionValue, kInt64Value, 8, kRequired, -1},
        {kResample, 1707, "RESAMPLE_NAN_PROPAGATION", kNanValue, -1, 1, kOptional, -1},
        {kResample, 1708, "RESAMPLE_PADDING_MODE", kPaddingModeValue, -1, 1, kRequired, -1},
        {kResampleForward, 1710, "OPERATION_RESAMPLE_FWD_XDESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kResampleForward, 1711, "OPERATION_RESAMPLE_FWD_YDESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kResampleForward, 1712, "OPERATION_RESAMPLE_FWD_IDXDESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kResampleForward, 1713, "OPERATION_RESAMPLE_FWD_ALPHA", kDoubleValue, -1, 1, kOptional, -1},
        {kResampleForward, 1714, "OPERATION_RESAMPLE_FWD_BETA", kDoubleValue, -1, 1, kOptional, -1},
        {kResampleForward, 1716, "OPERATION_RESAMPLE_FWD_DESC", kDescriptorValue, -1, 1, kRequired, kResample},
        {kResampleBackward, 1720, "OPERATION_RESAMPLE_BWD_DXDESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kResampleBackward, 1721, "OPERATION_RESAMPLE_BWD_DYDESC", kDescriptorValue, -1, 1, kRequired, kTensor},
        {kResampleBackward, 1722, "OPERATION_RESAMPLE_BWD_IDXDESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kResampleBackward, 1723, "OPERATION_RESAMPLE_BWD_ALPHA", kDoubleValue, -1, 1, kOptional, -1},
        {kResampleBackward, 1724, "OPERATION_RESAMPLE_BWD_BETA", kDoubleValue, -1, 1, kOptional, -1},
        {kResampleBackward, 1725, "OPERATION_RESAMPLE_BWD_DESC", kDescriptorValue, -1, 1, kRequired, kResample},
        {kResampleBackward, 1726, "OPERATION_RESAMPLE_BWD_XDESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kResampleBackward, 1727, "OPERATION_RESAMPLE_BWD_YDESC", kDescriptorValue, -1, 1, kOptional, kTensor},
        {kOperationGraph, 800, "OPERATIONGRAPH_HANDLE", kHandleValue, -1, 1, kOptional, -1},
        {kOperationGraph, 801, "OPERATIONGRAPH_OPS", kDescriptorValue, -1, 50, kRequired, -1},
        {kOperationGraph, 802, "OPERATIONGRAPH_ENGINE_GLOBAL_COUNT", kInt64Value, -1, 1, kReadOnly, -1},
        {kOperationGraph, 803, "OPERATIONGRAPH_IS_DYNAMIC_SHAPE_ENABLED", kBooleanValue, -1, 1, kOptional, -1},
        {kEngine, 1300, "ENGINE_OPERATION_GRAPH", kDescriptorValue, -1, 1, kRequired, kOperationGraph},
        {kEngine, 1301, "ENGINE_GLOBAL_INDEX", kInt64Value, -1, 1, kRequired, -1},
        {kEngine, 1302, "ENGINE_KNOB_INFO", kDescriptorValue, -1, 64, kReadOnly, kKnobInfo},
        {kEngine, 1303, "ENGINE_NUMERICAL_NOTE", kNumericalNoteValue, -1, 16, kReadOnly, -1},
        {kEngine, 1304, "ENGINE_LAYOUT_INFO", kDescriptorValue, -1, 16, kReadOnly, kLayoutInfo},
        {kEngine, 1305, "ENGINE_BEHAVIOR_NOTE", kBehaviorNoteValue, -1, 16, kReadOnly, -1},
        {kEngine, 1306, "ENGINE_SM_COUNT_TARGET", kInt32Value, -1, 1, kOptional, -1},
        {kEngineConfig, 300, "ENGINECFG_ENGINE", kDescriptorValue, -1, 1, kRequired, kEngine},
        {kEngineConfig, 301, "ENGINECFG_INTERMEDIATE_INFO", kDescriptorValue, -1, 16, kReadOnly, kIntermediateInfo},
        {kEngineConfig, 302, "ENGINECFG_KNOB_CHOICES", kDescriptorValue, -1, 64, kOptional, kKnobChoice},
        {kEngineConfig, 303, "ENGINECFG_WORKSPACE_SIZE", kInt64Value, -1, 1, kReadOnly, -1},
        {kEngineConfig, 304, "ENGINECFG_SHARED_MEMORY_USED", kInt32Value, -1, 1, kReadOnly, -1},
        {kHeuristics, 200, "ENGINEHEUR_MODE", kHeurModeValue, -1, 1, kRequired, -1},
        {kHeuristics, 201, "ENGINEHEUR_OPERATION_GRAPH", kDescriptorValue, -1, 1, kRequired, kOperationGraph},
        {kHeuristics, 202, "ENGINEHEUR_RESULTS", kDescriptorValue, -1, 1000, kReadOnly, kEngineConfig},
        {kHeuristics, 203, "ENGINEHEUR_SM_COUNT_TARGET", kInt32Value, -1, 1, kOptional, -1},
        {kPlan, 400, "EXECUTION_PLAN_HANDLE", kHandleValue, -1, 1, kRequired, -1},
        {kPlan, 401, "EXECUTION_PLAN_ENGINE_CONFIG", kDescriptorValue, -1, 1, kOptional, kEngineConfig},
        {kPlan, 402, "EXECUTION_PLAN_WORKSPACE_SIZE", kInt64Value, -1, 1, kReadOnly, -1},
        {kPlan, 405, "EXECUTION_PLAN_JSON_REPRESENTATION", kCharValue, -1, 1048576, kOptional, -1},
        {kKnobChoice, 600, "KNOB_CHOICE_KNOB_TYPE", kKnobTypeValue, -1, 1, kRequired, -1},
        {kKnobChoice, 601, "KNOB_CHOICE_KNOB_VALUE", kInt64Value, -1, 1, kRequired, -1},
        {kKnobInfo, 1200, "KNOB_INFO_TYPE", kKnobTypeValue, -1, 1, kReadOnly, -1},
        {kKnobInfo, 1201, "KNOB_INFO_MAXIMUM_VALUE", kInt64Value, -1, 1, kReadOnly, -1},
        {kKnobInfo, 1202, "KNOB_INFO_MINIMUM_VALUE", kInt64Value, -1, 1, kReadOnly, -1},
        {kKnobInfo, 1203, "KNOB_INFO_STRIDE", kInt64Value, -1, 1, kReadOnly, -1},
        {kVariantPack, 1000, "VARIANT_PACK_UNIQUE_IDS", kInt64Value, -1, 1024, kRequired, -1},
        {kVariantPack, 1001, "VARIANT_PACK_DATA_POINTERS", kPointerValue, -1, 1024, kRequired, -1},
        {kVariantPack, 1002, "VARIANT_PACK_INTERMEDIATES", kDescriptorValue, -1, 64, kOptional, kIntermediateInfo},
        {kVariantPack, 1003, "VARIANT_PACK_WORKSPACE", kPointerValue, -1, 1, kOptional, -1},
    };
    return rows;
}

const AttributeRow* find_attribute(int descriptor, int attribute) {
    const auto& rows = attribute_rows();
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const AttributeRow& row) {
        return row.descriptor == descriptor && row.attribute == attribute;
    });
    return found == rows.end() ? nullptr : &*found;
}

std::size_t value_bytes(int type) {
    switch (type) {
        case kHandleValue: case kPointerValue: case kDescriptorValue: case kInt64Value: case kDoubleValue: return 8;
        case kBooleanValue: case kCharValue: return 1;
        case kFractionValue: return 16;
        default: return 4;
    }
}

const char* descriptor_name(int type) {
    switch (type) {
        case kPointwise: return "POINTWISE";
        case kConvolution: return "CONVOLUTION";
        case kEngine: return "ENGINE";
        case kEngineConfig: return "ENGINECFG";
        case kHeuristics: return "ENGINEHEUR";
        case kPlan: return "EXECUTION_PLAN";
        case kIntermediateInfo: return "INTERMEDIATE_INFO";
        case kKnobChoice: return "KNOB_CHOICE";
        case kKnobInfo: return "KNOB_INFO";
        case kLayoutInfo: return "LAYOUT_INFO";
        case kConvolutionForward: return "OPERATION_CONVOLUTION_FORWARD";
        case kConvolutionWgrad: return "OPERATION_CONVOLUTION_BACKWARD_FILTER";
        case kConvolutionDgrad: return "OPERATION_CONVOLUTION_BACKWARD_DATA";
        case kPointwiseOperation: return "OPERATION_POINTWISE";
        case kGenStats: return "OPERATION_GEN_STATS";
        case kOperationGraph: return "OPERATIONGRAPH";
        case kVariantPack: return "VARIANT_PACK";
        case kTensor: return "TENSOR";
        case kMatmul: return "MATMUL";
        case kMatmulOperation: return "OPERATION_MATMUL";
        case kBnFinalize: return "OPERATION_BN_FINALIZE_STATISTICS";
        case kReduction: return "REDUCTION";
        case kReductionOperation: return "OPERATION_REDUCTION";
        case kBnBwdWeights: return "OPERATION_BN_BWD_WEIGHTS";
        case kResample: return "RESAMPLE";
        case kResampleForward: return "OPERATION_RESAMPLE_FWD";
        case kResampleBackward: return "OPERATION_RESAMPLE_BWD";
        case kNormForward: return "OPERATION_NORM_FORWARD";
        case kNormBackward: return "OPERATION_NORM_BACKWARD";
        default: return "a descriptor that is not simulated";
    }
}

}  // namespace simgpu::cudnn
