#include "conditions.h"

#include <algorithm>

namespace simgpu::cudnn::conditions {

bool is_float_type(DataType type) {
    return type == DataType::float32 || type == DataType::float16 || type == DataType::bfloat16;
}

bool is_16_bit(DataType type) {
    return type == DataType::float16 || type == DataType::bfloat16;
}

bool is_channels_last(const Tensor& t) {
    if (t.dims.size() != 4) {
        return false;
    }
    // Strides of dimensions of size 1 carry no meaning.
    const Dims packed = {t.dims[1] * t.dims[2] * t.dims[3], 1, t.dims[1] * t.dims[3], t.dims[1]};
    for (std::size_t i = 0; i < 4; ++i) {
        if (t.dims[i] != 1 && t.strides[i] != packed[i]) {
            return false;
        }
    }
    return true;
}

bool is_channels_first(const Tensor& t) {
    if (t.dims.size() != 4) {
        return false;
    }
    const Dims packed = {t.dims[1] * t.dims[2] * t.dims[3], t.dims[2] * t.dims[3], t.dims[3], 1};
    for (std::size_t i = 0; i < 4; ++i) {
        if (t.dims[i] != 1 && t.strides[i] != packed[i]) {
            return false;
        }
    }
    return true;
}

std::int64_t row_alignment(const Tensor& t) {
    const auto bytes = static_cast<std::int64_t>(element_bytes(t.type));
    std::int64_t alignment = t.alignment;
    if (t.dims.size() == 4 && t.elements() > 1 && t.dims[1] != t.elements()) {
        const std::int64_t row = t.dims[1] * bytes;
        while (row % alignment != 0) {
            alignment /= 2;
        }
    }
    return alignment;
}

bool all_tensors(F f, bool (*holds)(const Tensor&)) {
    return std::all_of(f.graph.tensors.begin(), f.graph.tensors.end(),
                       [&](const auto& entry) { return holds(*entry.second); });
}

bool aligned_to(const std::vector<TensorPtr>& tensors, std::int64_t bytes) {
    return std::all_of(tensors.begin(), tensors.end(),
                       [&](const TensorPtr& tensor) { return row_alignment(*tensor) >= bytes; });
}

std::vector<TensorPtr> memory_inputs(F f) {
    std::vector<TensorPtr> all = f.operands(f.prologue);
    for (const TensorPtr& tensor : f.main_inputs()) {
        if (!f.graph.produces(tensor)) {
            all.push_back(tensor);
        }
    }
    return all;
}

bool first_operands_fit(F f) {
    for (const OperationPtr& op : f.graph.operations) {
        if (!op->is_pointwise()) {
            continue;
        }
        const TensorPtr first = op->tensor(751);
        const TensorPtr out = op->tensor(op->outputs.front());
        if (first->dims != out->dims) {
            return false;
        }
        const TensorPtr second = op->tensor(752);
        if (f.main != nullptr && second != nullptr && second->uid == f.main_output()->uid) {
            return false;
        }
    }
    return true;
}

bool scalars_are_one(F f) {
    return std::all_of(f.graph.operations.begin(), f.graph.operations.end(), [](const OperationPtr& op) {
        return op->is_convolution() ? op->alpha == 1 && op->beta == 0
                                    : !op->is_pointwise() || (op->alpha == 1 && op->beta == 1);
    });
}

bool only_pointwise(const std::vector<OperationPtr>& operations) {
    return std::all_of(operations.begin(), operations.end(), [](const OperationPtr& op) { return op->is_pointwise(); });
}

bool epilogue_is(F f, std::initializer_list<int> also) {
    return std::all_of(f.epilogue.begin(), f.epilogue.end(), [&](const OperationPtr& op) {
        return op->is_pointwise() || std::find(also.begin(), also.end(), op->type) != also.end();
    });
}

bool one_reduction_at_the_exit(F f) {
    if (f.reductions.size() > 1) {
        return false;
    }
    for (const OperationPtr& op : f.reductions) {
        const TensorPtr out = op->tensor(1611);
        if (!f.graph.consumers(out->uid).empty() || op->compute != DataType::float32 || out->type != DataType::float32) {
            return false;
        }
    }
    return true;
}

bool pointwise_computes_in_float(F f) {
    return std::all_of(f.graph.operations.begin(), f.graph.operations.end(), [](const OperationPtr& op) {
        return !op->is_pointwise() || op->compute == DataType::float32 || op->compute == DataType::int32 ||
            op->compute == DataType::boolean;
    });
}

bool main_types_fit(F f) {
    for (const TensorPtr& tensor : f.main_inputs()) {
        if (!is_float_type(tensor->type) || (tensor->type != f.main_inputs().front()->type)) {
            return false;
        }
    }
    const DataType in = f.main_inputs().front()->type;
    return f.main->compute == DataType::float32 || (in == DataType::float16 && f.main->compute == DataType::float16);
}

bool dims_are(const TensorPtr& tensor, const Dims& full, std::initializer_list<int> kept) {
    for (std::size_t i = 0; i < full.size(); ++i) {
        const bool keep = std::find(kept.begin(), kept.end(), static_cast<int>(i)) != kept.end();
        if (tensor->dims.size() != full.size() || tensor->dims[i] != (keep ? full[i] : 1)) {
            return false;
        }
    }
    return true;
}

bool epilogue_dims_fit(F f) {
    const Dims full = f.main_output()->dims;
    const bool wgrad = f.main->type == kConvolutionWgrad;
    for (const OperationPtr& op : f.epilogue) {
        if (!op->is_pointwise()) {
            continue;
        }
        for (int attribute : op->inputs) {
            const TensorPtr t = op->tensor(attribute);
            const bool fits = dims_are(t, full, {}) || dims_are(t, full, {0, 1, 2, 3}) ||
                (wgrad ? dims_are(t, full, {1, 2, 3}) || dims_are(t, full, {0}) : dims_are(t, full, {1}) || dims_are(t, full, {0, 2, 3}));
            if (!fits) {
                return false;
            }
        }
        if (!dims_are(op->tensor(op->outputs.front()), full, {0, 1, 2, 3})) {
            return false;
        }
    }
    return true;
}

bool prologue_dims_fit(F f) {
    for (const OperationPtr& op : f.prologue) {
        const TensorPtr out = op->tensor(op->outputs.front());
        for (int attribute : op->inputs) {
            const TensorPtr t = op->tensor(attribute);
            if (!dims_are(t, out->dims, {}) && !dims_are(t, out->dims, {1}) && !dims_are(t, out->dims, {0, 1, 2, 3})) {
                return false;
            }
        }
    }
    return true;
}

bool reduction_dims_fit(F f, bool per_image) {
    for (const OperationPtr& op : f.reductions) {
        const Dims full = op->tensor(1610)->dims;
        const TensorPtr out = op->tensor(1611);
        const bool fits = dims_are(out, full, {}) || dims_are(out, full, {0, 2, 3}) || dims_are(out, full, {1}) ||
            (per_image && (dims_are(out, full, {0, 1}) || dims_are(out, full, {0})));
        if (!fits) {
            return false;
        }
    }
    return true;
}

bool virtual_prologue(F f) {
    return std::all_of(f.prologue.begin(), f.prologue.end(),
                       [](const OperationPtr& op) { return op->tensor(op->outputs.front())->is_virtual; });
}

bool has(F f, int type) {
    return std::any_of(f.graph.operations.begin(), f.graph.operations.end(),
                       [&](const OperationPtr& op) { return op->type == type; });
}

bool is_scale_bias_relu_in_half(F f) {
    if (f.prologue.size() != 3) {
        return false;
    }
    const int modes[] = {kMul, kAdd, kReluForward};
    for (std::size_t i = 0; i < 3; ++i) {
        const Operation& op = *f.prologue[i];
        if (!op.is_pointwise() || op.mode != modes[i] || (i < 2 && !dims_are(op.tensor(752), op.tensor(751)->dims, {1}))) {
            return false;
        }
        if (i < 2 && op.tensor(752)->type != DataType::float16) {
            return false;
        }
    }
    return f.prologue[0]->tensor(751)->type == DataType::float16;
}

bool only_half_in_memory(F f) {
    for (const TensorPtr& tensor : memory_inputs(f)) {
        if (tensor->type != DataType::float16) {
            return false;
        }
    }
    return f.main_output()->is_virtual || f.main_output()->type == DataType::float16;
}

bool packed_channels(const Tensor& t) {
    return t.by_value || is_channels_last(t);
}

bool either_layout(const Tensor& t) {
    return is_channels_last(t) || is_channels_first(t);
}

bool pattern_is(F f, std::initializer_list<const char*> patterns) {
    const std::string mine = f.pattern();
    return std::any_of(patterns.begin(), patterns.end(), [&](const char* pattern) { return mine == pattern; });
}

bool is_single_convolution(F f) {
    return f.mains == 1 && f.graph.operations.size() == 1 && f.main->is_convolution();
}

bool norm_channels_fit(F f) {
    for (const OperationPtr& op : f.graph.operations) {
        if (op->type == kNormForward || op->type == kNormBackward) {
            const Tensor& x = *op->tensor(op->type == kNormForward ? 2002 : 2101);
            return x.dims[1] % (is_16_bit(x.type) ? 8 : 4) == 0;
        }
    }
    return false;
}

bool norm_parameters_are_float(F f) {
    for (const OperationPtr& op : f.graph.operations) {
        for (int attribute : {2003, 2004, 2005, 2006, 2009, 2010, 2011, 2012, 2102, 2103, 2105, 2107, 2108}) {
            const TensorPtr tensor = op->tensor(attribute);
            if (tensor != nullptr && tensor->type != DataType::float32) {
                return false;
            }
        }
    }
    return true;
}

bool norm_data_fits(F f) {
    for (const auto& entry : f.graph.tensors) {
        const Tensor& t = *entry.second;
        if (t.dims.size() == 4 && t.elements() != t.dims[1] && !is_float_type(t.type) && t.type != DataType::boolean) {
            return false;
        }
    }
    return true;
}

bool per_channel_is_float(F f) {
    return all_tensors(f, [](const Tensor& t) {
        return t.by_value || t.elements() != t.dims[1] || t.type == DataType::float32;
    });
}

}  // namespace simgpu::cudnn::conditions
