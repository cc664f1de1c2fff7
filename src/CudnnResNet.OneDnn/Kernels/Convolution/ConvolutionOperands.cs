namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>Where the operands of a convolution [bias] [add] [ReLU] lie: activations in their type, filter and bias in float32.</summary>
internal readonly unsafe struct ConvolutionOperands
{
    internal byte* X { get; init; }

    internal float* Filter { get; init; }

    /// <summary>Null for none.</summary>
    internal float* Bias { get; init; }

    /// <summary>What is added; null for nothing.</summary>
    internal byte* Other { get; init; }

    internal bool IsRectified { get; init; }

    internal byte* Y { get; init; }
}
