namespace CudnnResNet.Data;

/// <summary>One sample of a batch: which image, in which epoch.</summary>
internal readonly record struct PlannedSample(long Epoch, int Index);

/// <summary>A batch that is to be made.</summary>
internal sealed class BatchPlan(int size)
{
    public PlannedSample[] Samples { get; } = new PlannedSample[size];

    public LoaderPosition Start { get; set; }
}

/// <summary>The endless sequence of training batches, as plans.</summary>
internal sealed class TrainingSequence
{
    private readonly IDataSet _data;
    private readonly LoaderOptions _options;
    private readonly EpochOrder _order;
    private LoaderPosition _position;

    public TrainingSequence(IDataSet data, LoaderOptions options, LoaderPosition start)
    {
        options.Check(data);
        if (start.Epoch < 1 || start.Index < 0 || start.Index > data.Count)
            throw new ResNetException($"cannot resume at epoch {start.Epoch}, sample {start.Index}: {data.Name} has {data.Count} samples and epochs count from 1");
        (_data, _options, _position) = (data, options, start);
        _order = new EpochOrder(data.Count, options.Seed, options.Shuffle);
    }

    /// <summary>Plans the next batch, and writes what is known of it before its images.</summary>
    public void Next(BatchPlan plan, Batch batch)
    {
        plan.Start = _position;
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
            plan.Samples[i] = new PlannedSample(epoch, _order.Of(epoch)[index++]);
        }

        batch.Count = _options.Batch;
        batch.EndsEpoch = _data.Count - index < _options.Batch;
        bool nothingCarried = index == _data.Count || (batch.EndsEpoch && !_options.Shuffle);
        _position = nothingCarried ? new LoaderPosition(epoch + 1, 0) : new LoaderPosition(epoch, index);
        batch.After = _position;
    }
}
