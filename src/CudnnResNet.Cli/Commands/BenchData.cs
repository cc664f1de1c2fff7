using System.CommandLine;
using System.Diagnostics;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Data;
using CudnnResNet.Training;

namespace CudnnResNet.Cli.Commands;

/// <summary>The flags by which bench train measures on real data.</summary>
internal sealed class BenchDataFlags
{
    private readonly DataFlags _data = new(trains: true);
    private readonly AugmentationFlags _augmentation = new();

    public string Name => _data.Data.Name;

    public void AddTo(Command command)
    {
        _data.AddTo(command);
        _augmentation.AddTo(command);
    }

    /// <returns>Null where no data are named.</returns>
    public BenchData? Read(ParseResult parsed, int? classes, Terminal terminal)
    {
        if (parsed.GetValue(_data.Data) is null)
            return null;
        DataRequest request = _data.Read(parsed, terminal);
        IDataSet set = request.Load(train: true, classes);
        return new BenchData(set, _augmentation.Read(parsed, set), request.HoldsImageFiles ? Normalization.ImageNet : Normalization.None);
    }
}

/// <summary>What bench train trains on.</summary>
internal sealed record BenchData(IDataSet Set, Augmentation Augmentation, Normalization Normalization)
{
    /// <summary>The loader that training has.</summary>
    public BatchLoader Load(TrainingSession session) => new(Set,
        new LoaderOptions(session.Batch, Shuffle: true, Seed: 1, Augmentation, Normalization) { Accepted = session.Accepts(Set, Normalization) });
}

/// <summary>Hands over one batch after the other, and adds up how long it had to wait for them.</summary>
internal sealed class BenchFeed(BatchLoader loader, Action<Batch> give)
{
    private long _waited;

    /// <summary>Milliseconds since the last <see cref="Reset"/>.</summary>
    public double WaitedMs => Stopwatch.GetElapsedTime(0, _waited).TotalMilliseconds;

    public void Reset() => _waited = 0;

    public void Write()
    {
        long begin = Stopwatch.GetTimestamp();
        Batch batch = loader.Next();
        _waited += Stopwatch.GetTimestamp() - begin;
        give(batch);
    }
}
