// Finalized operations and the graph that they form.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "descriptors.h"

namespace simgpu::cudnn {

struct ConvolutionParameters {
    DataType compute = DataType::float32;
    bool flipped = false;
    std::vector<std::int64_t> strides, dilations, pre_paddings, post_paddings;
};

struct ResampleParameters {
    int mode = 0;          // cudnnResampleMode_t
    int padding_mode = 0;  // cudnnPaddingMode_t
    std::vector<std::int64_t> window, strides, pre_paddings, post_paddings;
};

struct Operation {
    int type = 0;  // descriptor type
    int mode = 0;  // pointwise mode, reduction operator, norm mode, statistics mode
    int phase = 0; // norm: 0 inference, 1 training
    DataType compute = DataType::float32;
    float alpha = 1, beta = 0;  // convolution; pointwise alpha1 and alpha2
    double lower_clip = 0, upper_clip = 3.4028234663852886e38, lower_slope = 0;
    ConvolutionParameters convolution;
    ResampleParameters resample;
    std::map<int, TensorPtr> tensors;  // by attribute
    std::vector<int> inputs, outputs;  // attributes

    TensorPtr tensor(int attribute) const {
        const auto found = tensors.find(attribute);
        return found == tensors.end() ? nullptr : found->second;
    }
    bool is_convolution() const {
        return type == kConvolutionForward || type == kConvolutionDgrad || type == kConvolutionWgrad;
    }
    bool is_main() const { return is_convolution() || type == kMatmulOperation; }
    bool is_pointwise() const { return type == kPointwiseOperation; }
};
using OperationPtr = std::shared_ptr<const Operation>;

/// Pointwise modes (cudnnPointwiseMode_t) that are simulated.
enum PointwiseMode : int {
    kAdd = 0, kMul = 1, kMin = 2, kMax = 3, kSqrt = 4, kAddSquare = 5, kDiv = 6, kSub = 9, kAbs = 10, kExp = 13, kLog = 15,
    kNeg = 16, kRsqrt = 17, kIdentity = 21, kReciprocal = 22, kReluForward = 100, kTanhForward = 101,
    kSigmoidForward = 102, kReluBackward = 200, kCompareEqual = 300, kCompareNotEqual = 301, kCompareGreater = 302,
    kCompareGreaterEqual = 303, kCompareLess = 304, kCompareLessEqual = 305, kBinarySelect = 601,
};

struct OperationGraph {
    std::vector<OperationPtr> operations;  // producers before consumers
    std::map<std::int64_t, TensorPtr> tensors;
    std::map<std::int64_t, OperationPtr> producer;

    bool produces(const TensorPtr& tensor) const { return producer.count(tensor->uid) != 0; }
    std::vector<OperationPtr> consumers(std::int64_t uid) const;
    /// Non-virtual tensors, whose memory the variant pack names.
    std::vector<TensorPtr> in_memory() const;
};

/// Checks types and shapes of one operation and makes its value.
Status make_operation(Descriptor& descriptor);
Status make_graph(Descriptor& descriptor);
Status make_tensor(Descriptor& descriptor);

}  // namespace simgpu::cudnn
