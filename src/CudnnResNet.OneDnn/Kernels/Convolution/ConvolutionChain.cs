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
}
