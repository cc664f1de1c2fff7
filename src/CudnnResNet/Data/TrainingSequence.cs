namespace CudnnResNet.Data;

/// <summary>The endless sequence of training batches, one after the other, without threads.</summary>
internal sealed class TrainingSequence
{
    private readonly IDataSet _data;
    private readonly LoaderOptions _options;
    private readonly ImageTransform _transform;
    private readonly EpochOrder _order;
    private readonly float[] _raw;
    private LoaderPosition _position;

    public TrainingSequence(IDataSet data, LoaderOptions options, LoaderPosition start)
    {
        options.Check(data);
        if (start.Epoch < 1 || start.Index < 0 || start.Index > data.Count)
            throw new ResNetException($"cannot resume at epoch {start.Epoch}, sample {start.Index}: {data.Name} has {data.Count} samples and epochs count from 1");
        (_data, _options, _position) = (data, options, start);
        _transform = new ImageTransform(data, options.Normalization);
        _order = new EpochOrder(data.Count, options.Seed, options.Shuffle);
        _raw = new float[data.ImageElements()];
    }

    /// <summary>Fills the batch with the next samples.</summary>
    public void Next(Batch batch)
    {
        long epoch = _position.Epoch;
        int index = _position.Index;
        if (_data.Count - index < _options.Batch)
        {
            batch.Epoch = epoch + 1;
            if (!_options.Shuffle)
                (epoch, index) = (epoch + 1, 0);
        }
        else
        {
            batch.Epoch = epoch;
        }

        for (int i = 0; i < _options.Batch; i++)
        {
            if (index == _data.Count)
                (epoch, index) = (epoch + 1, 0);
            ReadSample(batch, i, epoch, _order.Of(epoch)[index++]);
        }

        batch.Count = _options.Batch;
        batch.EndsEpoch = _data.Count - index < _options.Batch;
        bool nothingCarried = index == _data.Count || (batch.EndsEpoch && !_options.Shuffle);
        _position = nothingCarried ? new LoaderPosition(epoch + 1, 0) : new LoaderPosition(epoch, index);
        batch.After = _position;
    }

    private void ReadSample(Batch batch, int slot, long epoch, int sample)
    {
        _data.ReadImage(sample, _raw);
        batch.MutableLabels[slot] = _data.Label(sample);

        var random = CounterRandom.For(_options.Seed, (ulong)epoch, (ulong)sample);
        int padding = _options.Augmentation.CropPadding;
        int down = random.Below(2 * padding + 1, 0) - padding;
        int right = random.Below(2 * padding + 1, 1) - padding;
        bool flip = _options.Augmentation.HorizontalFlip && random.Below(2, 2) == 1;
        _transform.Apply(_raw, batch.MutableImages.Slice(slot * _raw.Length, _raw.Length), down, right, flip);
    }
}
