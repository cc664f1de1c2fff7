using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Tensors;
using static CudnnResNet.Cuda.Interop.cudnnBackendAttributeName_t;
using static CudnnResNet.Cuda.Interop.cudnnBackendDescriptorType_t;

namespace CudnnResNet.Cuda.Engines;

/// <summary>A tensor of an operation graph. Its id is what a variant pack binds to memory.</summary>
internal readonly record struct GraphTensor(long Id, CudnnBackendDescriptor Descriptor);

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
    private long _lastId;

    /// <summary>The finalized graph; null before <see cref="Finish"/>.</summary>
    internal CudnnBackendDescriptor? Descriptor { get; private set; }

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

    private GraphTensor Tensor(ReadOnlySpan<long> dimensions, ReadOnlySpan<long> strides, DataType type, bool isVirtual)
    {
        CudnnBackendDescriptor tensor = Own(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
        tensor.Set(CUDNN_ATTR_TENSOR_DATA_TYPE, TypeOf(type));
        tensor.Set(CUDNN_ATTR_TENSOR_DIMENSIONS, dimensions);
        tensor.Set(CUDNN_ATTR_TENSOR_STRIDES, strides);
        tensor.Set(CUDNN_ATTR_TENSOR_UNIQUE_ID, ++_lastId);
        tensor.Set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, AlignmentBytes);
        tensor.Set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, isVirtual);
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
