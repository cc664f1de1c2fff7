// What the rules of acceptance.cpp ask of an operation graph.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "acceptance.h"

namespace simgpu::cudnn::conditions {

using F = const GraphFacts&;
using Dims = std::vector<std::int64_t>;

bool is_float_type(DataType type);
bool is_16_bit(DataType type);
bool is_channels_last(const Tensor& t);
bool is_channels_first(const Tensor& t);

/// Bytes that every start of a row of channels is a multiple of.
std::int64_t row_alignment(const Tensor& t);
bool all_tensors(F f, bool (*holds)(const Tensor&));
bool aligned_to(const std::vector<TensorPtr>& tensors, std::int64_t bytes);
std::vector<TensorPtr> memory_inputs(F f);

/// The result of the convolution is the first operand wherever it is used, and nothing broadcast ever is.
bool first_operands_fit(F f);
bool scalars_are_one(F f);
bool only_pointwise(const std::vector<OperationPtr>& operations);
bool epilogue_is(F f, std::initializer_list<int> also);
bool one_reduction_at_the_exit(F f);
bool pointwise_computes_in_float(F f);

/// Inputs of one type; FLOAT sums for FLOAT and BFLOAT16.
bool main_types_fit(F f);
bool dims_are(const TensorPtr& tensor, const Dims& full, std::initializer_list<int> kept);
bool epilogue_dims_fit(F f);
bool prologue_dims_fit(F f);
bool reduction_dims_fit(F f, bool per_image);
bool virtual_prologue(F f);
bool has(F f, int type);

/// MUL -> ADD -> RELU on x with operands [1,C,1,1], all HALF: the prologue that surface 70 and ConvBNfprop take.
bool is_scale_bias_relu_in_half(F f);
bool only_half_in_memory(F f);
bool packed_channels(const Tensor& t);
bool either_layout(const Tensor& t);
bool pattern_is(F f, std::initializer_list<const char*> patterns);
bool is_single_convolution(F f);
bool norm_channels_fit(F f);
bool norm_parameters_are_float(F f);
bool norm_data_fits(F f);
bool per_channel_is_float(F f);

}  // namespace simgpu::cudnn::conditions
