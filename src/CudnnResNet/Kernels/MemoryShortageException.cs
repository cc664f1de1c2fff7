namespace CudnnResNet.Kernels;

/// <summary>A device has less memory free than a plan asks for.</summary>
/// <param name="askedBytes">What was asked.</param>
/// <param name="freeBytes">What was free.</param>
/// <param name="message">One line for the user.</param>
public sealed class MemoryShortageException(long askedBytes, long freeBytes, string message) : ResNetException(message)
{
    public long AskedBytes { get; } = askedBytes;

    public long FreeBytes { get; } = freeBytes;
}
