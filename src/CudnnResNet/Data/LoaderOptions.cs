namespace CudnnResNet.Data;

/// <summary>How training batches are made.</summary>
/// <param name="Batch">Images of a batch.</param>
/// <param name="Shuffle">A new order every epoch; a remainder is carried into the next epoch's first batch. Otherwise in order, and a remainder is dropped.</param>
/// <param name="Seed">Of the order and of the augmentation.</param>
/// <param name="Augmentation">Random crop and flip.</param>
/// <param name="Normalization">After the augmentation.</param>
/// <param name="Prefetch">Batches made ahead of the one in use.</param>
public sealed record LoaderOptions(
    int Batch,
    bool Shuffle,
    ulong Seed,
    Augmentation Augmentation,
    Normalization Normalization,
    int Prefetch = 2)
{
    private const int MostThreads = 256;

    /// <summary>Threads that make samples; null takes all cores for sets that decode images, and one for others.</summary>
    public int? Threads { get; init; }

    /// <summary>The most compact form of batches that whoever takes them accepts.</summary>
    public BatchForm Accepted { get; init; }

    /// <summary>
    /// The form that batches have: bytes hold neither the mean colour that erasing writes nor the shares of levels of mixup,
    /// and what happens to pixels cannot happen to files.
    /// </summary>
    internal BatchForm FormFor(IDataSet data)
    {
        if (Augmentation is not { Erasing: 0, Mixup: 0 })
            return BatchForm.Floats;
        bool isPlain = Augmentation.CutMix == 0
            && data is IEncodedSamples set && (Augmentation.CropsOrFlips ? set.HasPlainSamples : set.HasPlainImages);
        return Accepted == BatchForm.Files && isPlain ? BatchForm.Files
            : Accepted != BatchForm.Floats && data is IByteImages ? BatchForm.Bytes
            : BatchForm.Floats;
    }

    internal int ThreadsFor(IDataSet data) => Math.Min(Threads ?? (data is ISampleSource ? Environment.ProcessorCount : 1), Batch);

    /// <summary>Batches from the start to the end of the given epoch, for a set of so many images.</summary>
    public long StepsThrough(long epoch, int count) => Shuffle ? checked(epoch * count) / Batch : epoch * (count / Batch);

    /// <summary>Batches of an epoch; a fraction where remainders are carried on.</summary>
    public double StepsPerEpoch(int count) => Shuffle ? (double)count / Batch : count / Batch;

    /// <exception cref="ResNetException">An option is out of range or does not fit the data set.</exception>
    internal void Check(IDataSet data)
    {
        Data.Batch.CheckSize(Batch, data);
        if (data.Count < Batch)
            throw new ResNetException($"{data.Name}: {data.Count} images do not fill one batch of {Batch}; use a smaller batch or more images");
        if (Prefetch is < 1 or > 64)
            throw new ResNetException($"a prefetch of {Prefetch} batches is not possible; it must be from 1 to 64");
        if (Threads is < 1 or > MostThreads)
            throw new ResNetException($"a loader of {Threads} threads is not possible; it must be from 1 to {MostThreads}");
        Augmentation.Check(data.Height, data.Width);
        Normalization.Check(data.Channels);
    }
}
