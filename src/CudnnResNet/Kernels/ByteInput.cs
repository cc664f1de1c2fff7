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

    /// <summary>Prepares for JPEG files, which the device decodes and scales; false where it does not.</summary>
    public virtual bool TryOpenFiles() => false;

    /// <summary>The same from images that are not decoded yet.</summary>
    /// <param name="images">One for each image of a run.</param>
    /// <param name="first">The number of the first.</param>
    /// <param name="decodeOnHost">Makes pixels of an image that the device does not decode, by its number.</param>
    public virtual void Write(ReadOnlySpan<EncodedImage> images, int first, Action<int> decodeOnHost) =>
        throw new InvalidOperationException("Files were not asked for, or this backend decodes none.");

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}
