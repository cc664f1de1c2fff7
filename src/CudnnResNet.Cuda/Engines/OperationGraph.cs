using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Tensors;
using static CudnnResNet.Cuda.Interop.cudnnBackendAttributeName_t;
using static CudnnResNet.Cuda.Interop.cudnnBackendDescriptorType_t;

namespace CudnnResNet.Cuda.Engines;

/// <summary>A tensor of an operation graph. Its id is what a variant pack binds to memory.</summary>
internal readonly record struct GraphTensor(long Id, CudnnBackendDescriptor Descriptor);

/// <summary>What a tensor of a graph is bound to: a value of the problem, memory of the kernel's own, or a number.</summary>
internal readonly record struct TensorBinding(long Id, ValueId? Value, int Part, float Scalar)
{
    internal static TensorBinding Of(long id, ValueId value) => new(id, value, 0, 0);

    internal static TensorBinding Own(long id, int part) => new(id, null, part, 0);

    internal static TensorBinding Number(long id, float scalar) => new(id, null, -1, scalar);

    internal bool IsNumber => Part < 0;
}

/// <summary>Which of the three products a convolution node forms.</summary>
internal enum ConvolutionPass
{
    Forward,
    BackwardData,
    BackwardFilter,
}

/// <summary>
/// A cuDNN operation graph under construction, then finalized. Dimensions are given to cuDNN in its logical order
/// N,C,H,W; the strides say that memory is NHWC and KRSC.
/// </summary>
internal sealed class OperationGraph : IDisposable
{
    /// <summary>Arena regions begin at multiples of 64; 16 is what the fastest engines ask for.</summary>
    private const long AlignmentBytes = 16;

    private readonly List<CudnnBackendDescriptor> _owned = [];
    private readonly List<CudnnBackendDescriptor> _operations = [];
    private readonly Dictionary<ValueId, GraphTensor> _values = [];
    private readonly List<TensorBinding> _bindings = [];
    private long _lastId;

    /// <summary>The finalized graph; null before <see cref="Finish"/>.</summary>
    internal CudnnBackendDescriptor? Descriptor { get; private set; }

    /// <summary>What each tensor that is not virtual is to be bound to.</summary>
    internal IReadOnlyList<TensorBinding> Bindings => _bindings;

    /// <summary>A value of the problem, in its own type: activations, filters, or one number a channel.</summary>
    internal GraphTensor Of(Value value)
    {
        if (_values.TryGetValue(value.Id, out GraphTensor known))
            return known;
        GraphTensor tensor = value.Shape.Rank == 1 ? Channels(value.Shape.C, value.Type) : Tensor(value.Shape, value.Type);
        _values.Add(value.Id, tensor);
        _bindings.Add(TensorBinding.Of(tensor.Id, value.Id));
        return tensor;
    }

    /// <summary>Memory of the kernel's own, by the number that the kernel gives it.</summary>
    internal GraphTensor Part(int part, TensorShape shape, DataType type)
    {
        GraphTensor tensor = shape.Rank == 1 ? Channels(shape.C, type) : Tensor(shape, type);
        _bindings.Add(TensorBinding.Own(tensor.Id, part));
        return tensor;
    }

    /// <summary>A float32 number that the host hands over with the call.</summary>
    internal GraphTensor Scalar(double value)
    {
        GraphTensor tensor = Tensor([1, 1, 1, 1], [1, 1, 1, 1], DataType.Float32, isVirtual: false, isByValue: true);
        _bindings.Add(TensorBinding.Number(tensor.Id, (float)value));
        return tensor;
    }

    /// <summary>What stays in registers.</summary>
    internal GraphTensor Virtual(TensorShape shape, DataType type = DataType.Float32) => Tensor(shape, type, isVirtual: true);

    /// <summary>Activations in NHWC or filters in KRSC.</summary>
    internal GraphTensor Tensor(TensorShape shape, DataType type, bool isVirtual = false)
    {
        (long n, long h, long w, long c) = (shape.D0, shape.D1, shape.D2, shape.D3);
        return Tensor([n, c, h, w], [h * w * c, 1, w * c, c], type, isVirtual);
    }

    /// <summary>One number a channel, broadcast over everything else.</summary>
    internal GraphTensor Channels(int channels, DataType type) => Tensor([1, channels, 1, 1], [channels, 1, channels, channels], type, false);

    /// <param name="pass">Which product.</param>
    /// <param name="geometry">Of the forward convolution.</param>
    /// <param name="x">Images, or their gradient.</param>
    /// <param name="w">Filter, or its gradient.</param>
    /// <param name="y">Result of the forward pass, or its gradient.</param>
    internal void Convolution(ConvolutionPass pass, ConvolutionGeometry geometry, GraphTensor x, GraphTensor w, GraphTensor y)
    {
        CudnnBackendDescriptor convolution = Own(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
        convolution.Set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, cudnnDataType_t.CUDNN_DATA_FLOAT);
        convolution.Set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, cudnnConvolutionMode_t.CUDNN_CROSS_CORRELATION);
        convolution.Set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, 2);
        convolution.Set(CUDNN_ATTR_CONVOLUTION_DILATIONS, [1, 1]);
        convolution.Set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, [geometry.Stride, geometry.Stride]);
        convolution.Set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, [geometry.Padding, geometry.Padding]);
        convolution.Set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, [geometry.Padding, geometry.Padding]);
        convolution.FinalizeDescriptor("convolution");
        switch (pass)
        {
            case ConvolutionPass.Forward:
                Operation(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                    (CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, convolution),
                    (CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x.Descriptor),
                    (CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w.Descriptor),
                    (CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y.Descriptor),
                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA);
                break;
            case ConvolutionPass.BackwardData:
                Operation(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                    (CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, convolution),
                    (CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, x.Descriptor),
                    (CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, w.Descriptor),
                    (CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, y.Descriptor),
                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA);
                break;
            default:
                Operation(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                    (CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, convolution),
                    (CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, x.Descriptor),
                    (CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, w.Descriptor),
                    (CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, y.Descriptor),
                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA);
                break;
        }
    }

    /// <summary>A function of the elements of <paramref name="x"/>, and of <paramref name="b"/>, which may be broadcast.</summary>
    internal void Pointwise(cudnnPointwiseMode_t mode, GraphTensor x, GraphTensor? b, GraphTensor y)
    {
        CudnnBackendDescriptor function = Own(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
        function.Set(CUDNN_ATTR_POINTWISE_MODE, mode);
        function.Set(CUDNN_ATTR_POINTWISE_MATH_PREC, cudnnDataType_t.CUDNN_DATA_FLOAT);
        function.FinalizeDescriptor(mode.ToString());
        CudnnBackendDescriptor operation = Own(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
        operation.Set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, function);
        operation.Set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x.Descriptor);
        if (b is { } second)
            operation.Set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, second.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y.Descriptor);
        operation.FinalizeDescriptor($"operation {mode}");
        _operations.Add(operation);
    }

    /// <summary>dx = dy where the forward result is positive.</summary>
    internal void ReluBackward(GraphTensor dy, GraphTensor y, GraphTensor dx)
    {
        CudnnBackendDescriptor function = Own(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
        function.Set(CUDNN_ATTR_POINTWISE_MODE, cudnnPointwiseMode_t.CUDNN_POINTWISE_RELU_BWD);
        function.Set(CUDNN_ATTR_POINTWISE_MATH_PREC, cudnnDataType_t.CUDNN_DATA_FLOAT);
        function.FinalizeDescriptor("CUDNN_POINTWISE_RELU_BWD");
        CudnnBackendDescriptor operation = Own(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
        operation.Set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, function);
        operation.Set(CUDNN_ATTR_OPERATION_POINTWISE_DYDESC, dy.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, y.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_POINTWISE_DXDESC, dx.Descriptor);
        operation.FinalizeDescriptor("operation CUDNN_POINTWISE_RELU_BWD");
        _operations.Add(operation);
    }

    /// <summary>The sums of x and of its squares in each channel.</summary>
    internal void ChannelSums(GraphTensor x, GraphTensor sums, GraphTensor squares)
    {
        CudnnBackendDescriptor operation = Own(CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR);
        operation.Set(CUDNN_ATTR_OPERATION_GENSTATS_MODE, cudnnGenStatsMode_t.CUDNN_GENSTATS_SUM_SQSUM);
        operation.Set(CUDNN_ATTR_OPERATION_GENSTATS_MATH_PREC, cudnnDataType_t.CUDNN_DATA_FLOAT);
        operation.Set(CUDNN_ATTR_OPERATION_GENSTATS_XDESC, x.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC, sums.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC, squares.Descriptor);
        operation.FinalizeDescriptor("channel sums");
        _operations.Add(operation);
    }

    /// <summary>Batch norm by the batch's statistics, which are given out; running ones are left alone.</summary>
    internal void NormForward(GraphTensor x, GraphTensor scale, GraphTensor bias, GraphTensor epsilon,
        GraphTensor mean, GraphTensor inverseDeviation, GraphTensor y)
    {
        CudnnBackendDescriptor operation = Own(CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_FWD_MODE, cudnnBackendNormMode_t.CUDNN_BATCH_NORM);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_FWD_PHASE, cudnnBackendNormFwdPhase_t.CUDNN_NORM_FWD_TRAINING);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_FWD_XDESC, x.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_FWD_SCALE_DESC, scale.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_FWD_BIAS_DESC, bias.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_FWD_EPSILON_DESC, epsilon.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_FWD_MEAN_DESC, mean.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_FWD_INV_VARIANCE_DESC, inverseDeviation.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_FWD_YDESC, y.Descriptor);
        operation.FinalizeDescriptor("norm forward");
        _operations.Add(operation);
    }

    internal void NormBackward(GraphTensor dy, GraphTensor x, GraphTensor scale, GraphTensor mean, GraphTensor inverseDeviation,
        GraphTensor dx, GraphTensor dscale, GraphTensor dbias)
    {
        CudnnBackendDescriptor operation = Own(CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_BWD_MODE, cudnnBackendNormMode_t.CUDNN_BATCH_NORM);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_BWD_XDESC, x.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_BWD_MEAN_DESC, mean.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_BWD_INV_VARIANCE_DESC, inverseDeviation.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_BWD_DYDESC, dy.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_BWD_SCALE_DESC, scale.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_BWD_DSCALE_DESC, dscale.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_BWD_DBIAS_DESC, dbias.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_NORM_BWD_DXDESC, dx.Descriptor);
        operation.FinalizeDescriptor("norm backward");
        _operations.Add(operation);
    }

    /// <summary>(x - mean) * inverseDeviation * scale + bias, in registers: what the ReLU behind a batch norm saw.</summary>
    internal GraphTensor Normalised(TensorShape shape, GraphTensor x, GraphTensor mean, GraphTensor inverseDeviation, GraphTensor scale, GraphTensor bias)
    {
        GraphTensor current = x;
        foreach ((cudnnPointwiseMode_t mode, GraphTensor operand) in new[]
        {
            (cudnnPointwiseMode_t.CUDNN_POINTWISE_SUB, mean), (cudnnPointwiseMode_t.CUDNN_POINTWISE_MUL, inverseDeviation),
            (cudnnPointwiseMode_t.CUDNN_POINTWISE_MUL, scale), (cudnnPointwiseMode_t.CUDNN_POINTWISE_ADD, bias),
        })
        {
            GraphTensor next = Virtual(shape);
            Pointwise(mode, current, operand, next);
            current = next;
        }
        return current;
    }

    /// <summary>The gradients of a batch norm's scale and bias, and what its input's gradient is made of: a dy + b x + c.</summary>
    internal void NormWeightGradients(GraphTensor dy, GraphTensor x, GraphTensor mean, GraphTensor inverseDeviation, GraphTensor scale,
        GraphTensor dscale, GraphTensor dbias, GraphTensor a, GraphTensor b, GraphTensor c)
    {
        CudnnBackendDescriptor operation = Own(CUDNN_BACKEND_OPERATION_BN_BWD_WEIGHTS_DESCRIPTOR);
        operation.Set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_MATH_PREC, cudnnDataType_t.CUDNN_DATA_FLOAT);
        operation.Set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_MEAN_DESC, mean.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_INVSTD_DESC, inverseDeviation.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_BN_SCALE_DESC, scale.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_X_DESC, x.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DY_DESC, dy.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DBN_SCALE_DESC, dscale.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DBN_BIAS_DESC, dbias.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_DY_SCALE_DESC, a.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_X_SCALE_DESC, b.Descriptor);
        operation.Set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_BIAS, c.Descriptor);
        operation.FinalizeDescriptor("norm weight gradients");
        _operations.Add(operation);
    }

    internal void Finish(CudnnHandle handle)
    {
        Descriptor = Own(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
        Descriptor.Set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, handle);
        Descriptor.Set(CUDNN_ATTR_OPERATIONGRAPH_OPS, _operations.ToArray());
        Descriptor.FinalizeDescriptor("operation graph");
    }

    /// <summary>Parents first: a descriptor must outlive those that it was set in.</summary>
    public void Dispose()
    {
        for (int i = _owned.Count - 1; i >= 0; i--)
            _owned[i].Dispose();
        _owned.Clear();
    }

    internal static cudnnDataType_t TypeOf(DataType type) => type switch
    {
        DataType.Float32 => cudnnDataType_t.CUDNN_DATA_FLOAT,
        DataType.BFloat16 => cudnnDataType_t.CUDNN_DATA_BFLOAT16,
        DataType.Float16 => cudnnDataType_t.CUDNN_DATA_HALF,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "cuDNN's graphs hold float32, bf16 and f16."),
    };

    private GraphTensor Tensor(ReadOnlySpan<long> dimensions, ReadOnlySpan<long> strides, DataType type, bool isVirtual,
        bool isByValue = false)
    {
        CudnnBackendDescriptor tensor = Own(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
        tensor.Set(CUDNN_ATTR_TENSOR_DATA_TYPE, TypeOf(type));
        tensor.Set(CUDNN_ATTR_TENSOR_DIMENSIONS, dimensions);
        tensor.Set(CUDNN_ATTR_TENSOR_STRIDES, strides);
        tensor.Set(CUDNN_ATTR_TENSOR_UNIQUE_ID, ++_lastId);
        tensor.Set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, AlignmentBytes);
        tensor.Set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, isVirtual);
        tensor.Set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, isByValue);
        tensor.FinalizeDescriptor("tensor");
        return new GraphTensor(_lastId, tensor);
    }

    private void Operation(cudnnBackendDescriptorType_t type,
        (cudnnBackendAttributeName_t Name, CudnnBackendDescriptor Value) convolution,
        (cudnnBackendAttributeName_t Name, CudnnBackendDescriptor Value) x,
        (cudnnBackendAttributeName_t Name, CudnnBackendDescriptor Value) w,
        (cudnnBackendAttributeName_t Name, CudnnBackendDescriptor Value) y,
        cudnnBackendAttributeName_t alpha, cudnnBackendAttributeName_t beta)
    {
        CudnnBackendDescriptor operation = Own(type);
        operation.Set(convolution.Name, convolution.Value);
        operation.Set(x.Name, x.Value);
        operation.Set(w.Name, w.Value);
        operation.Set(y.Name, y.Value);
        operation.Set(alpha, 1f);
        operation.Set(beta, 0f);
        operation.FinalizeDescriptor(type.ToString());
        _operations.Add(operation);
    }

    private CudnnBackendDescriptor Own(cudnnBackendDescriptorType_t type)
    {
        CudnnBackendDescriptor descriptor = DescriptorAttributes.Create(type);
        _owned.Add(descriptor);
        return descriptor;
    }
}
