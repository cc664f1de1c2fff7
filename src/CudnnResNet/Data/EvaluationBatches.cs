namespace CudnnResNet.Data;

/// <summary>Every sample once, in order, without augmentation, in batches of fixed shape; the last may count fewer.</summary>
public sealed class EvaluationBatches
{
    private readonly IDataSet _data;
    private readonly ImageTransform _transform;
    private readonly float[] _raw;
    private readonly Batch _batch;
    private readonly int _size;

    /// <exception cref="ResNetException">The batch is not positive or too large, or the normalisation does not fit.</exception>
    public EvaluationBatches(IDataSet data, int batch, Normalization normalization)
    {
        Batch.CheckSize(batch, data);
        normalization.Check(data.Channels);
        (_data, _size) = (data, batch);
        _transform = new ImageTransform(data, normalization);
        _raw = new float[data.ImageElements()];
        _batch = new Batch(batch, _raw.Length);
    }

    public int BatchCount => (int)(((long)_data.Count + _size - 1) / _size);

    /// <summary>Samples from index * batch on; a last partial batch is filled up with its last sample. Valid until the next call.</summary>
    public Batch Read(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, BatchCount);
        int first = index * _size;
        int count = Math.Min(_size, _data.Count - first);
        for (int i = 0; i < count; i++)
        {
            _data.ReadImage(first + i, _raw);
            _transform.Apply(_raw, _batch.MutableImages.Slice(i * _raw.Length, _raw.Length));
            _batch.MutableLabels[i] = _data.Label(first + i);
        }
        for (int i = count; i < _size; i++)
        {
            _batch.MutableImages.Slice((count - 1) * _raw.Length, _raw.Length).CopyTo(_batch.MutableImages[(i * _raw.Length)..]);
            _batch.MutableLabels[i] = _batch.MutableLabels[count - 1];
        }
        _batch.Count = count;
        _batch.Epoch = 1;
        _batch.EndsEpoch = index == BatchCount - 1;
        _batch.After = _batch.EndsEpoch ? new LoaderPosition(2, 0) : new LoaderPosition(1, first + count);
        return _batch;
    }
}
