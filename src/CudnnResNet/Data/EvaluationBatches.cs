using System.Runtime.ExceptionServices;
using CudnnResNet.Kernels;

namespace CudnnResNet.Data;

/// <summary>Every sample once, in order, without augmentation, in batches of fixed shape; the last may count fewer.</summary>
public sealed class EvaluationBatches
{
    private readonly IDataSet _data;
    private readonly ImageTransform _transform;
    private readonly DamagedImages _damaged;
    private readonly int _imageElements;
    private readonly Batch _batch;
    private readonly int _size;
    private int _first;

    /// <param name="data">The images.</param>
    /// <param name="batch">Images of a batch.</param>
    /// <param name="normalization">Of the images.</param>
    /// <param name="damaged">In place of the set's own count of images that cannot be read, which have the label <see cref="NoLabel"/> and are black here.</param>
    /// <param name="accepted">The most compact form of batches that whoever takes them accepts.</param>
    /// <exception cref="ResNetException">The batch is not positive or too large, or the normalisation does not fit.</exception>
    public EvaluationBatches(IDataSet data, int batch, Normalization normalization, DamagedImages? damaged = null, BatchForm accepted = BatchForm.Floats)
    {
        Batch.CheckSize(batch, data);
        normalization.Check(data.Channels);
        (_data, _size, _damaged) = (data, batch, damaged ?? (data as ISampleSource)?.Damaged ?? new DamagedImages());
        _transform = new ImageTransform(data, normalization);
        _imageElements = data.ImageElements();
        BatchForm form = accepted == BatchForm.Files && data is IEncodedSamples { HasPlainImages: true } ? BatchForm.Files
            : accepted != BatchForm.Floats && data is IByteImages ? BatchForm.Bytes
            : BatchForm.Floats;
        _batch = new Batch(batch, _imageElements, form) { DecodeOnHost = image => ReadImage(_first, image, onHost: true) };
    }

    /// <summary>The label of an image that cannot be read.</summary>
    public const int NoLabel = -1;

    public int BatchCount => (int)(((long)_data.Count + _size - 1) / _size);

    /// <summary>Samples from index * batch on; a last partial batch is filled up with its last sample. Valid until the next call.</summary>
    public Batch Read(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, BatchCount);
        int first = _first = index * _size;
        int count = Math.Min(_size, _data.Count - first);
        // Decoding is worth other threads, copying is not.
        if (_data is ISampleSource)
            ReadOnAllCores(first, count);
        else
            for (int i = 0; i < count; i++)
                ReadImage(first, i);
        for (int i = count; i < _size; i++)
        {
            if (_batch.Form == BatchForm.Files)
                _batch.Files[i].SetTo(_batch.Files[count - 1]);
            else if (_batch.Form == BatchForm.Bytes)
                Bytes(count - 1).CopyTo(Bytes(i));
            else
                Image(count - 1).CopyTo(Image(i));
            _batch.MutableLabels[i] = _batch.MutableLabels[count - 1];
        }
        _batch.Count = count;
        _batch.Epoch = 1;
        _batch.EndsEpoch = index == BatchCount - 1;
        _batch.After = _batch.EndsEpoch ? new LoaderPosition(2, 0) : new LoaderPosition(1, first + count);
        return _batch;
    }

    private void ReadOnAllCores(int first, int count)
    {
        try
        {
            Parallel.For(0, count, i => ReadImage(first, i));
        }
        catch (AggregateException several)
        {
            ExceptionDispatchInfo.Throw(several.InnerExceptions[0]);
        }
    }

    private void ReadImage(int first, int i, bool onHost = false)
    {
        // What fills a last batch up is its last image.
        int index = Math.Min(first + i, _data.Count - 1);
        try
        {
            if (_batch.Form == BatchForm.Files)
                ReadFile(index, _batch.Files[i], onHost);
            else if (_batch.Form == BatchForm.Bytes)
                ((IByteImages)_data).ReadBytes(index, Bytes(i));
            else
                _data.ReadImage(index, Image(i));
            _batch.MutableLabels[i] = _data.Label(index);
        }
        catch (DamagedImageException damage)
        {
            _damaged.Add(_data, index, damage);
            if (_batch.Form == BatchForm.Files)
                _batch.Files[i].SetPixels(_data.Width, _data.Height).Clear();
            else if (_batch.Form == BatchForm.Bytes)
                Bytes(i).Clear();
            else
                Image(i).Clear();
            _batch.MutableLabels[i] = NoLabel;
        }
        if (_batch.Form == BatchForm.Floats)
            _transform.Apply(Image(i), Image(i));
    }

    private void ReadFile(int index, EncodedImage image, bool onHost)
    {
        if (onHost || !((IEncodedSamples)_data).TryReadImage(index, image))
            ((IByteImages)_data).ReadBytes(index, image.SetPixels(_data.Width, _data.Height));
    }

    private Span<byte> Bytes(int i) => _batch.MutableBytes.Slice(i * _imageElements, _imageElements);

    private Span<float> Image(int i) => _batch.MutableImages.Slice(i * _imageElements, _imageElements);
}
