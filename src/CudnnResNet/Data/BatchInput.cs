using CudnnResNet.Execution;
using CudnnResNet.Kernels;

namespace CudnnResNet.Data;

/// <summary>Where a plan takes its images from: batches of bytes where the backend normalises them, of floats everywhere.</summary>
public sealed class BatchInput(HostAccess images) : IDisposable
{
    private ByteInput? _bytes;
    private Normalization? _normalization;

    /// <summary>
    /// Prepares for batches of bytes that are to be normalised so; false where the backend does not do that, and batches must
    /// be floats.
    /// </summary>
    public bool TakesBytes(Normalization normalization)
    {
        if (_normalization == normalization)
            return _bytes is not null;
        _bytes?.Dispose();
        (float[] scale, float[] shift) = ByteNormalizer.Factors(normalization, images.Value.Shape.C);
        _bytes = images.CreateByteInput(scale, shift);
        _normalization = normalization;
        return _bytes is not null;
    }

    /// <summary>Copies one of the equal parts of a batch into the plan.</summary>
    public void Write(Batch batch, int part = 0, int parts = 1)
    {
        if (batch.IsBytes)
            (_bytes ?? throw new InvalidOperationException("Batches of bytes were not asked for.")).Write(PartOf(batch.Bytes, part, parts));
        else
            images.Write(PartOf(batch.Images, part, parts));
    }

    public void Dispose() => _bytes?.Dispose();

    private static ReadOnlySpan<T> PartOf<T>(ReadOnlySpan<T> all, int part, int parts) =>
        all.Slice(part * (all.Length / parts), all.Length / parts);
}
