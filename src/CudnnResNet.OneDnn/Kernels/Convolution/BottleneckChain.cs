using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>The three convolutions of an inference bottleneck, two ReLUs between them, and the add and ReLU that may follow.</summary>
internal readonly struct BottleneckChain
{
    internal BottleneckChain(Problem problem)
    {
        ChainReader reader = new(problem);
        First = reader.Take<ConvolutionForward>();
        Node? firstRelu = reader.Take<Relu>();
        Second = reader.Take<ConvolutionForward>();
        Node? secondRelu = reader.Take<Relu>();
        Third = reader.Take<ConvolutionForward>();
        Join = reader.Take<Add>();
        Relu = reader.Take<Relu>();
        IsWhole = reader.AtEnd && First is not null && firstRelu is not null && Second is not null && secondRelu is not null
            && Third is not null;
    }

    internal Node? First { get; }
    internal Node? Second { get; }
    internal Node? Third { get; }
    internal Node? Join { get; }
    internal Node? Relu { get; }
    private bool IsWhole { get; }

    internal KernelSupport Check(Problem problem)
    {
        if (!IsWhole)
            return KernelSupport.No("not a chain of conv_fwd relu conv_fwd relu conv_fwd [add] [relu]");
        if (problem.Input(0, 0).Type != DataType.BFloat16)
            return KernelSupport.No("bottlenecks take bf16");
        if (!problem.ConstantWeights)
            return KernelSupport.No("bottlenecks take constant weights");
        if (!ChainReader.KeepsOnly(problem))
            return KernelSupport.No("keeps no intermediate");
        if (Join is not null && !ChainReader.IsSide(problem, Join.Inputs[1]))
            return KernelSupport.No("an add joins the chain with itself");
        ConvolutionGeometry first = Geometry(First), second = Geometry(Second), third = Geometry(Third);
        if (first is not { R: 1, S: 1, Padding: 0, Stride: 1 or 2 } || second is not { R: 3, S: 3, Padding: 1, Stride: 1 or 2 }
            || third is not { R: 1, S: 1, Padding: 0, Stride: 1 } || second.C != second.K)
            return KernelSupport.No("bottlenecks are 1x1, 3x3 and 1x1");
        return first.C % ChannelBlock != 0 || second.C % ChannelBlock != 0 || third.K % ChannelBlock != 0
            ? KernelSupport.No($"bottlenecks take multiples of {ChannelBlock} channels")
            : KernelSupport.Yes;
    }

    internal static ConvolutionGeometry Geometry(Node? convolution) => ((ConvolutionForward)convolution!.Operation).Geometry;

    private const int ChannelBlock = 32;
}
