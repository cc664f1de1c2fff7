// What the operation pages of NVIDIA's backend API documentation demand of an operation alone.
#include "operations.h"

#include <algorithm>

namespace simgpu::cudnn {
namespace {

using Dims = std::vector<std::int64_t>;

struct Slots {
    int type;
    std::vector<int> inputs;
    std::vector<int> outputs;
};

const std::vector<Slots>& slots() {
    static const std::vector<Slots> table = {
        {kConvolutionForward, {703, 704}, {705}},
        {kConvolutionDgrad, {709, 711}, {710}},
        {kConvolutionWgrad, {716, 717}, {715}},
        {kPointwiseOperation, {751, 752, 758, 757}, {753, 756}},
        {kGenStats, {772}, {773, 774}},
        {kMatmulOperation, {1520, 1521}, {1522}},
        {kBnFinalize, {782, 783, 784, 785, 786, 787, 794, 795, 796}, {788, 789, 790, 791, 792, 793}},
        {kReductionOperation, {1610}, {1611}},
        {kBnBwdWeights, {1621, 1622, 1623, 1624, 1625}, {1626, 1627, 1628, 1629, 1630}},
        {kResampleForward, {1710}, {1711, 1712}},
        {kResampleBackward, {1721, 1722, 1726, 1727}, {1720}},
        {kNormForward, {2002, 2005, 2006, 2007, 2008, 2009, 2010}, {2003, 2004, 2011, 2012, 2013}},
        {kNormBackward, {2101, 2102, 2103, 2104, 2105, 2106}, {2107, 2108, 2109}},
    };
    return table;
}

std::string dims_text(const Dims& dims) {
    std::string text;
    for (std::int64_t dim : dims) {
        text += (text.empty() ? "" : "x") + std::to_string(dim);
    }
    return text;
}

Status check_convolution(Operation& op, const Descriptor& descriptor) {
    const int base = op.type == kConvolutionForward ? 700 : op.type == kConvolutionDgrad ? 706 : 712;
    const auto parameters = descriptor.child(base + 2);
    op.compute = static_cast<DataType>(parameters->get<int>(100));
    ConvolutionParameters& c = op.convolution;
    c.compute = op.compute;
    c.flipped = parameters->get<int>(101) == 0;
    c.dilations = parameters->list<std::int64_t>(102);
    c.strides = parameters->list<std::int64_t>(103);
    c.post_paddings = parameters->list<std::int64_t>(104);
    c.pre_paddings = parameters->list<std::int64_t>(105);
    const Tensor& x = *op.tensor(op.type == kConvolutionForward ? 704 : op.type == kConvolutionDgrad ? 710 : 716);
    const Tensor& w = *op.tensor(op.type == kConvolutionForward ? 703 : op.type == kConvolutionDgrad ? 709 : 715);
    const Tensor& y = *op.tensor(op.type == kConvolutionForward ? 705 : op.type == kConvolutionDgrad ? 711 : 717);
    if (x.dims.size() != c.strides.size() + 2 || w.dims.size() != x.dims.size() || y.dims.size() != x.dims.size()) {
        return fail(kBadParam, "x %s, w %s, y %s for %zu spatial dimensions", dims_text(x.dims).c_str(),
                    dims_text(w.dims).c_str(), dims_text(y.dims).c_str(), c.strides.size());
    }
    if (x.dims.size() != 4) {
        return fail(kNotSupported, "only two spatial dimensions are simulated");
    }
    Dims expected = {x.dims[0], w.dims[0]};
    for (std::size_t i = 0; i < c.strides.size(); ++i) {
        const std::int64_t reach = c.dilations[i] * (w.dims[i + 2] - 1) + 1;
        const std::int64_t room = x.dims[i + 2] + c.pre_paddings[i] + c.post_paddings[i] - reach;
        expected.push_back(room < 0 ? 0 : room / c.strides[i] + 1);
    }
    if (expected != y.dims || w.dims[1] <= 0 || x.dims[1] % w.dims[1] != 0 ||
        w.dims[0] % (x.dims[1] / std::max<std::int64_t>(1, w.dims[1])) != 0) {
        return fail(kShapeMismatch, "x %s and w %s give y %s, not %s", dims_text(x.dims).c_str(),
                    dims_text(w.dims).c_str(), dims_text(expected).c_str(), dims_text(y.dims).c_str());
    }
    const auto scalar = [&](int attribute) {
        const auto bytes = descriptor.values.at(attribute).size();
        return bytes == 8 ? static_cast<float>(descriptor.get<double>(attribute)) : descriptor.get<float>(attribute);
    };
    op.alpha = scalar(base);
    op.beta = scalar(base + 1);
    return kSuccess;
}

bool broadcasts(const Dims& from, const Dims& to) {
    if (from.size() != to.size()) {
        return false;
    }
    for (std::size_t i = 0; i < from.size(); ++i) {
        if (from[i] != to[i] && from[i] != 1) {
            return false;
        }
    }
    return true;
}

Status check_pointwise(Operation& op, const Descriptor& descriptor) {
    const auto parameters = descriptor.child(750);
    op.mode = parameters->get<int>(0);
    op.compute = static_cast<DataType>(parameters->get<int>(1));
    op.lower_clip = parameters->get<double>(3, op.lower_clip);
    op.upper_clip = parameters->get<double>(4, op.upper_clip);
    op.lower_slope = parameters->get<double>(5, op.lower_slope);
    const auto scalar = [&](int attribute) {
        if (!descriptor.has(attribute)) {
            return 1.0f;
        }
        return descriptor.values.at(attribute).size() == 8 ? static_cast<float>(descriptor.get<double>(attribute))
                                                            : descriptor.get<float>(attribute);
    };
    op.alpha = scalar(754);
    op.beta = scalar(755);

    enum { unary, binary, ternary, backward } shape = unary;
    switch (op.mode) {
        case kAdd: case kMul: case kMin: case kMax: case kAddSquare: case kDiv: case kSub: case kCompareEqual:
        case kCompareNotEqual: case kCompareGreater: case kCompareGreaterEqual: case kCompareLess:
        case kCompareLessEqual:
            shape = binary;
            break;
        case kBinarySelect: shape = ternary; break;
        case kReluBackward: shape = backward; break;
        case kSqrt: case kAbs: case kExp: case kLog: case kNeg: case kRsqrt: case kIdentity: case kReciprocal:
        case kReluForward: case kTanhForward: case kSigmoidForward:
            break;
        default: return fail(kNotSupported, "pointwise mode %d is not simulated", op.mode);
    }
    const std::vector<int> needed = shape == backward ? std::vector<int>{751, 757, 756}
        : shape == ternary                            ? std::vector<int>{751, 752, 758, 753}
        : shape == binary                             ? std::vector<int>{751, 752, 753}
                                                      : std::vector<int>{751, 753};
    for (const auto& [attribute, tensor] : op.tensors) {
        if (std::find(needed.begin(), needed.end(), attribute) == needed.end()) {
            return fail(kBadParam, "pointwise mode %d takes no %s", op.mode,
                        find_attribute(kPointwiseOperation, attribute)->name);
        }
    }
    for (int attribute : needed) {
        if (op.tensor(attribute) == nullptr) {
            return fail(kBadParam, "pointwise mode %d needs %s", op.mode,
                        find_attribute(kPointwiseOperation, attribute)->name);
        }
    }
    const Tensor& out = *op.tensor(shape == backward ? 756 : 753);
    for (const auto& [attribute, tensor] : op.tensors) {
        if (!broadcasts(tensor->dims, out.dims)) {
            return fail(kShapeMismatch, "%s of %s for an output of %s",
                        find_attribute(kPointwiseOperation, attribute)->name, dims_text(tensor->dims).c_str(),
                        dims_text(out.dims).c_str());
        }
    }
    return kSuccess;
}

Status same_dims(const Operation& op, std::initializer_list<int> attributes, const Dims& dims) {
    for (int attribute : attributes) {
        const TensorPtr tensor = op.tensor(attribute);
        if (tensor != nullptr && tensor->dims != dims) {
            return fail(kShapeMismatch, "%s is %s, %s was expected", find_attribute(op.type, attribute)->name,
                        dims_text(tensor->dims).c_str(), dims_text(dims).c_str());
        }
    }
    return kSuccess;
}

Dims channel_dims(const Dims& dims) {
    Dims result(dims.size(), 1);
    result[1] = dims[1];
    return result;
}

Status check_statistics(Operation& op, const Descriptor& descriptor) {
    switch (op.type) {
        case kGenStats: {
            op.compute = static_cast<DataType>(descriptor.get<int>(771));
            return same_dims(op, {773, 774}, channel_dims(op.tensor(772)->dims));
        }
        case kBnFinalize: {
            op.mode = descriptor.get<int>(780);
            op.compute = static_cast<DataType>(descriptor.get<int>(781));
            for (int attribute : {794, 795, 796}) {
                const TensorPtr scalar = op.tensor(attribute);
                if (scalar != nullptr && (!scalar->by_value || scalar->elements() != 1)) {
                    return fail(kBadParam, "%s must be one value given by value",
                                find_attribute(op.type, attribute)->name);
                }
            }
            return same_dims(op, {783, 784, 785, 786, 787, 788, 789, 790, 791, 792, 793}, op.tensor(782)->dims);
        }
        case kBnBwdWeights: {
            op.compute = static_cast<DataType>(descriptor.get<int>(1620));
            const Dims x = op.tensor(1624)->dims;
            const Status status = same_dims(op, {1625}, x);
            return status != kSuccess
                ? status
                : same_dims(op, {1621, 1622, 1623, 1626, 1627, 1628, 1629, 1630}, channel_dims(x));
        }
        case kNormForward: {
            op.mode = descriptor.get<int>(2000);
            op.phase = descriptor.get<int>(2001);
            if (op.mode != 2) {
                return fail(kNotSupported, "norm mode %d is not simulated, only BATCH_NORM", op.mode);
            }
            const Dims x = op.tensor(2002)->dims;
            const Status status = same_dims(op, {2013}, x);
            if (status != kSuccess) {
                return status;
            }
            for (int attribute : op.phase == 1 ? std::vector<int>{2003, 2004, 2007} : std::vector<int>{2003, 2004}) {
                if (op.tensor(attribute) == nullptr) {
                    return fail(kBadParam, "%s is not set", find_attribute(op.type, attribute)->name);
                }
            }
            const bool running = op.tensor(2009) != nullptr;
            for (int attribute : {2008, 2010, 2011, 2012}) {
                if ((op.tensor(attribute) != nullptr) != running) {
                    return fail(kBadParam, "the running statistics and their factor are set in part");
                }
            }
            return same_dims(op, {2003, 2004, 2005, 2006, 2009, 2010, 2011, 2012}, channel_dims(x));
        }
        default: {
            op.mode = descriptor.get<int>(2100);
            if (op.mode != 2) {
                return fail(kNotSupported, "norm mode %d is not simulated, only BATCH_NORM", op.mode);
            }
            const Dims x = op.tensor(2101)->dims;
            const Status status = same_dims(op, {2104, 2109}, x);
            if (status != kSuccess) {
                return status;
            }
            if ((op.tensor(2102) == nullptr || op.tensor(2103) == nullptr)) {
                return fail(kBadParam, "the saved mean and inverse variance are not set");
            }
            return same_dims(op, {2102, 2103, 2105, 2107, 2108}, channel_dims(x));
        }
    }
}

Status check_resample(Operation& op, const Descriptor& descriptor) {
    const bool forward = op.type == kResampleForward;
    const auto parameters = descriptor.child(forward ? 1716 : 1725);
    ResampleParameters& r = op.resample;
    r.mode = parameters->get<int>(1700);
    r.padding_mode = parameters->get<int>(1708);
    op.compute = static_cast<DataType>(parameters->get<int>(1701));
    const auto spatial = static_cast<std::size_t>(parameters->get<std::int64_t>(1702));
    const auto read = [&](int attribute, std::vector<std::int64_t>& into) {
        const auto raw = parameters->list<std::int64_t>(attribute);
        const bool fractions = raw.size() == 2 * spatial;
        for (std::size_t i = 0; i < raw.size(); i += fractions ? 2 : 1) {
            if (fractions && raw[i + 1] != 1) {
                return false;
            }
            into.push_back(raw[i]);
        }
        return into.size() == spatial;
    };
    if (spatial != 2 || !read(1703, r.post_paddings) || !read(1704, r.pre_paddings) || !read(1705, r.strides) ||
        !read(1706, r.window)) {
        return fail(kBadParam, "window, strides and paddings must be two whole numbers each");
    }
    if (r.mode != 2 && r.mode != 3 && r.mode != 4) {
        return fail(kNotSupported, "resample mode %d is not simulated", r.mode);
    }
    const Tensor& x = *op.tensor(forward ? 1710 : 1720);
    const Tensor& y = *op.tensor(forward ? 1711 : 1721);
    Dims expected = {x.dims[0], x.dims[1]};
    for (std::size_t i = 0; i < spatial; ++i) {
        expected.push_back((x.dims[i + 2] + r.pre_paddings[i] + r.post_paddings[i] - r.window[i]) / r.strides[i] + 1);
    }
    if (x.dims.size() != 4 || expected != y.dims) {
        return fail(kShapeMismatch, "x %s gives y %s, not %s", dims_text(x.dims).c_str(), dims_text(expected).c_str(),
                    dims_text(y.dims).c_str());
    }
    return same_dims(op, {forward ? 1712 : 1722, 1727}, y.dims);
}

}  // namespace

Status make_tensor(Descriptor& descriptor) {
    auto tensor = std::make_shared<Tensor>();
    tensor->uid = descriptor.get<std::int64_t>(906);
    tensor->type = static_cast<DataType>(descriptor.get<int>(901));
    tensor->dims = descriptor.list<std::int64_t>(902);
    tensor->strides = descriptor.list<std::int64_t>(903);
    tensor->alignment = descriptor.get<std::int64_t>(900);
    tensor->is_virtual = descriptor.get<bool>(907);
    tensor->by_value = descriptor.get<bool>(908);
    if (element_bytes(tensor->type) == 0 && tensor->type != DataType::boolean) {
        return fail(kNotSupported, "data type %d is not simulated", static_cast<int>(tensor->type));
    }
    if (tensor->dims.size() != tensor->strides.size() || tensor->dims.empty()) {
        return fail(kBadParam, "%zu dimensions and %zu strides", tensor->dims.size(), tensor->strides.size());
    }
    for (std::size_t i = 0; i < tensor->dims.size(); ++i) {
        if (tensor->dims[i] <= 0 || tensor->strides[i] <= 0) {
            return fail(kBadParam, "%s", tensor->text().c_str());
        }
    }
    if (tensor->alignment <= 0 || (tensor->alignment & (tensor->alignment - 1)) != 0) {
        return fail(kBadParam, "an alignment of %lld bytes", static_cast<long long>(tensor->alignment));
    }
    if (descriptor.get<std::int64_t>(904, 1) != 1 || descriptor.get<int>(909, 0) != 0) {
        return fail(kNotSupported, "vectorized and reordered tensors are not simulated");
    }
    if (tensor->is_virtual && tensor->by_value) {
        return fail(kBadParam, "a tensor cannot be virtual and given by value");
    }
    descriptor.tensor = tensor;
    return kSuccess;
}

Status make_operation(Descriptor& descriptor) {
    auto op = std::make_shared<Operation>();
    op->type = descriptor.type;
    for (const Slots& row : slots()) {
        if (row.type != op->type) {
            continue;
        }
        for (bool input : {true, false}) {
            for (int attribute : input ? row.inputs : row.outputs) {
                if (const TensorPtr tensor = descriptor.tensor_of(attribute)) {
                    op->tensors[attribute] = tensor;
                    (input ? op->inputs : op->outputs).push_back(attribute);
                }
            }
        }
    }
    if (op->type == kNormForward && descriptor.get<int>(2001) == 0) {
        // In inference the statistics are read.
        for (int attribute : {2003, 2004}) {
            const auto found = std::find(op->outputs.begin(), op->outputs.end(), attribute);
            if (found != op->outputs.end()) {
                op->outputs.erase(found);
                op->inputs.push_back(attribute);
            }
        }
    }
    for (int attribute : {2014, 2110}) {
        if (descriptor.has(attribute)) {
            return fail(kNotSupported, "statistics of several devices are not simulated");
        }
    }
    Status status = kSuccess;
    switch (op->type) {
        case kConvolutionForward: case kConvolutionDgrad: case kConvolutionWgrad:
            status = check_convolution(*op, descriptor);
            break;
        case kPointwiseOperation: status = check_pointwise(*op, descriptor); break;
        case kReductionOperation: {
            const auto parameters = descriptor.child(1612);
            op->mode = parameters->get<int>(1600);
            op->compute = static_cast<DataType>(parameters->get<int>(1601));
            if (op->mode != 0 && op->mode != 5 && op->mode != 3 && op->mode != 2) {
                return fail(kNotSupported, "reduction %d is not simulated", op->mode);
            }
            if (!broadcasts(op->tensor(1611)->dims, op->tensor(1610)->dims)) {
                return fail(kShapeMismatch, "%s reduced to %s", dims_text(op->tensor(1610)->dims).c_str(),
                            dims_text(op->tensor(1611)->dims).c_str());
            }
            break;
        }
        case kMatmulOperation: {
            op->compute = static_cast<DataType>(descriptor.child(1523)->get<int>(1500));
            const Dims a = op->tensor(1520)->dims, b = op->tensor(1521)->dims, c = op->tensor(1522)->dims;
            if (a.size() != 3 || b.size() != 3 || c.size() != 3 || a[0] != c[0] || (b[0] != a[0] && b[0] != 1) ||
                a[1] != c[1] || b[2] != c[2] || a[2] != b[1]) {
                return fail(kShapeMismatch, "%s times %s is not %s", dims_text(a).c_str(), dims_text(b).c_str(),
                            dims_text(c).c_str());
            }
            break;
        }
        case kResampleForward: case kResampleBackward: status = check_resample(*op, descriptor); break;
        default: status = check_statistics(*op, descriptor); break;
    }
    descriptor.operation = op;
    return status;
}

std::vector<OperationPtr> OperationGraph::consumers(std::int64_t uid) const {
    std::vector<OperationPtr> found;
    for (const OperationPtr& op : operations) {
        for (int attribute : op->inputs) {
            if (op->tensor(attribute)->uid == uid) {
                found.push_back(op);
                break;
            }
        }
    }
    return found;
}

std::vector<TensorPtr> OperationGraph::in_memory() const {
    std::vector<TensorPtr> all;
    for (const auto& entry : tensors) {
        if (!entry.second->is_virtual) {
            all.push_back(entry.second);
        }
    }
    return all;
}

Status make_graph(Descriptor& descriptor) {
    auto graph = std::make_shared<OperationGraph>();
    std::vector<OperationPtr> waiting;
    for (const auto& child : descriptor.children.at(801)) {
        if (child->operation == nullptr) {
            return fail(kDescriptorType, "%s is no operation", descriptor_name(child->type));
        }
        waiting.push_back(child->operation);
        for (const auto& entry : child->operation->tensors) {
            const TensorPtr& tensor = entry.second;
            const auto [known, added] = graph->tensors.emplace(tensor->uid, tensor);
            if (!added && known->second->text() != tensor->text()) {
                return fail(kBadParam, "unique id %lld stands for %s and for %s", static_cast<long long>(tensor->uid),
                            known->second->text().c_str(), tensor->text().c_str());
            }
        }
        for (int attribute : child->operation->outputs) {
            const TensorPtr tensor = child->operation->tensor(attribute);
            if (tensor->by_value) {
                return fail(kBadParam, "%s is an output and given by value", tensor->text().c_str());
            }
            if (!graph->producer.emplace(tensor->uid, child->operation).second) {
                return fail(kBadParam, "%s is written by two operations", tensor->text().c_str());
            }
        }
    }
    for (const auto& entry : graph->tensors) {
        if (entry.second->is_virtual && !graph->produces(entry.second)) {
            return fail(kBadParam, "%s is virtual and no operation writes it", entry.second->text().c_str());
        }
    }
    while (!waiting.empty()) {
        const auto ready = std::find_if(waiting.begin(), waiting.end(), [&](const OperationPtr& op) {
            return std::all_of(op->inputs.begin(), op->inputs.end(), [&](int attribute) {
                const auto writer = graph->producer.find(op->tensor(attribute)->uid);
                return writer == graph->producer.end() ||
                    std::find(graph->operations.begin(), graph->operations.end(), writer->second) !=
                    graph->operations.end();
            });
        });
        if (ready == waiting.end()) {
            return fail(kBadParam, "the operations read each other's results in a circle");
        }
        graph->operations.push_back(*ready);
        waiting.erase(ready);
    }
    descriptor.graph = graph;
    return kSuccess;
}

}  // namespace simgpu::cudnn
