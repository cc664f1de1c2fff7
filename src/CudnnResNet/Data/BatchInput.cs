using CudnnResNet.Execution;
using CudnnResNet.Kernels;

namespace CudnnResNet.Data;

/// <summary>Where a plan takes its images from: batches of files where the backend decodes them, of bytes where it normalises them, of floats everywhere.</summary>
public sealed class BatchInput(HostAccess images) : IDisposable
{
    private ByteInput? _bytes;
    private Normalization? _normalization;

    /// <summary>Prepares for batches of a data set that are to be normalised so.</summary>
    /// <returns>The most compact form that may be written.</returns>
    /// <exception cref="ResNetException">The normalisation does not fit the channels.</exception>
    public BatchForm Accepts(IDataSet data, Normalization normalization)
    {
        if (_normalization != normalization)
        {
            normalization.Check(images.Value.Shape.C);
            _bytes?.Dispose();
            _bytes = null;
            (float[] scale, float[] shift) = ByteNormalizer.Factors(normalization, images.Value.Shape.C);
            _bytes = images.CreateByteInput(scale, shift);
            _normalization = normalization;
        }
        return _bytes is null ? BatchForm.Floats
            : data is IEncodedSamples && _bytes.TryOpenFiles() ? BatchForm.Files
            : BatchForm.Bytes;
    }

    /// <summary>Copies one of the equal parts of a batch into the plan.</summary>
    public void Write(Batch batch, int part = 0, int parts = 1)
    {
        if (batch.Form == BatchForm.Floats)
        {
            images.Write(PartOf(batch.Images, part, parts));
            return;
        }
        ByteInput input = _bytes ?? throw new InvalidOperationException("The form of the batch was not asked for.");
        if (batch.Form == BatchForm.Bytes)
            input.Write(PartOf(batch.Bytes, part, parts));
        else
            input.Write(PartOf(batch.Files, part, parts), part * (batch.Files.Length / parts), batch.DecodeOnHost);
    }

    public void Dispose() => _bytes?.Dispose();

    private static ReadOnlySpan<T> PartOf<T>(ReadOnlySpan<T> all, int part, int parts) =>
        all.Slice(part * (all.Length / parts), all.Length / parts);
}
