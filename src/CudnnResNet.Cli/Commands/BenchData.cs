using System.CommandLine;
using System.Diagnostics;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Data;
using CudnnResNet.Inference;
using CudnnResNet.Training;

namespace CudnnResNet.Cli.Commands;

/// <summary>The flags by which bench measures on real data.</summary>
internal sealed class BenchDataFlags(bool trains)
{
    private readonly DataFlags _data = new(trains);
    private readonly AugmentationFlags _augmentation = new();

    public string Name => _data.Data.Name;

    public void AddTo(Command command)
    {
        _data.AddTo(command);
        if (trains)
            _augmentation.AddTo(command);
    }

    /// <returns>Null where no data are named.</returns>
    public BenchData? Read(ParseResult parsed, int? classes, Terminal terminal)
    {
        if (parsed.GetValue(_data.Data) is null)
            return null;
        DataRequest request = _data.Read(parsed, terminal);
        IDataSet set = request.Load(trains, classes);
        return new BenchData(set, trains ? _augmentation.Read(parsed, set) : Augmentation.None, request.HoldsImageFiles ? Normalization.ImageNet : Normalization.None);
    }
}

/// <summary>What bench trains on, or serves.</summary>
internal sealed record BenchData(IDataSet Set, Augmentation Augmentation, Normalization Normalization)
{
    /// <summary>The loader that training has.</summary>
    public BatchLoader Load(TrainingSession session) => new(Set,
        new LoaderOptions(session.Batch, Shuffle: true, Seed: 1, Augmentation, Normalization) { Accepted = session.Accepts(Set, Normalization) });

    /// <summary>The batches that an evaluation has, again and again.</summary>
    public Func<Batch> Serve(InferenceSession session)
    {
        EvaluationBatches batches = new(Set, session.Batch, Normalization, new DamagedImages(1), session.Accepts(Set, Normalization));
        int next = 0;
        return () => batches.Read(next++ % batches.BatchCount);
    }
}

/// <summary>Hands over one batch after the other, and adds up how long it had to wait for them.</summary>
/// <param name="next">Makes a batch, or waits for one.</param>
/// <param name="give">Takes it.</param>
internal sealed class BenchFeed(Func<Batch> next, Action<Batch> give)
{
    private long _waited;

    /// <summary>Milliseconds since the last <see cref="Reset"/>.</summary>
    public double WaitedMs => Stopwatch.GetElapsedTime(0, _waited).TotalMilliseconds;

    public void Reset() => _waited = 0;

    public void Write()
    {
        long begin = Stopwatch.GetTimestamp();
        Batch batch = next();
        _waited += Stopwatch.GetTimestamp() - begin;
        give(batch);
    }
}
