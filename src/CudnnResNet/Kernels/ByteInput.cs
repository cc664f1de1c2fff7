namespace CudnnResNet.Kernels;

/// <summary>
/// Images that reach a plan as bytes, and are normalised and converted by the device: a quarter of float32 crosses the bus.
/// </summary>
public abstract class ByteInput : IDisposable
{
    /// <summary>
    /// Fills the images that the next run reads: byte * scale + shift of its channel, rounded to their type. Returns as soon
    /// as the memory of <paramref name="nhwc"/> may change; allocates nothing.
    /// </summary>
    /// <param name="nhwc">uint8 [N, H, W, C], all images of a run.</param>
    public abstract void Write(ReadOnlySpan<byte> nhwc);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}
