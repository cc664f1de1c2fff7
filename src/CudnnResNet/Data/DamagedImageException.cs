namespace CudnnResNet.Data;

/// <summary>One image of a data set cannot be read; the others may well be.</summary>
public sealed class DamagedImageException : ResNetException
{
    public DamagedImageException(string message) : base(message) { }

    public DamagedImageException(string message, Exception cause) : base(message, cause) { }
}
