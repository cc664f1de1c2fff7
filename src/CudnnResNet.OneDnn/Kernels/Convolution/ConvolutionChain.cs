using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>A forward convolution, and the add and ReLU that may follow it.</summary>
internal readonly struct ConvolutionChain
{
    internal ConvolutionChain(Problem problem)
    {
        ChainReader reader = new(problem);
        Convolution = reader.Take<ConvolutionForward>();
        Join = reader.Take<Add>();
        Relu = reader.Take<Relu>();
        AtEnd = reader.AtEnd;
    }

    internal Node? Convolution { get; }
    internal Node? Join { get; }
    internal Node? Relu { get; }
    private bool AtEnd { get; }

    internal ConvolutionGeometry Geometry => ((ConvolutionForward)Convolution!.Operation).Geometry;

    /// <summary>What is common to all forward convolutions: the form of the chain and its types.</summary>
    internal KernelSupport Check(Problem problem)
    {
        if (!AtEnd || Convolution is null)
            return KernelSupport.No("not a chain of conv_fwd [add] [relu]");
        if (!ChainReader.HasComputableType(problem))
            return KernelSupport.No("takes f32 and bf16");
        if (Join is not null && !ChainReader.IsSide(problem, Join.Inputs[1]))
            return KernelSupport.No("an add joins the chain with itself");
        return ChainReader.KeepsOnly(problem) ? KernelSupport.Yes : KernelSupport.No("keeps no intermediate");
    }

    internal unsafe ConvolutionOperands Operands(Problem problem, OperandAddresses at) => new()
    {
        X = at[Convolution!.Inputs[0]],
        Filter = at.Floats(Convolution.Inputs[1]),
        Bias = Convolution.Inputs.Length == 3 ? at.Floats(Convolution.Inputs[2]) : null,
        Other = Join is null ? null : at[Join.Inputs[1]],
        IsRectified = Relu is not null,
        Y = at[problem.Nodes[^1].Outputs[0]],
    };
}
