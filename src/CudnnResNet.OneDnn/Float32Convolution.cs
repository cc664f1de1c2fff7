namespace CudnnResNet.OneDnn;

/// <summary>How float32 convolutions may be computed.</summary>
public enum Float32Convolution
{
    /// <summary>Every product of the definition, as PyTorch does on a CPU.</summary>
    Direct,

    /// <summary>
    /// Also by Winograd's method, where a measurement finds it faster: about half the time for 3x3 filters of stride 1,
    /// and somewhat more rounding (docs/numerics.md has the numbers).
    /// </summary>
    DirectOrWinograd,
}
