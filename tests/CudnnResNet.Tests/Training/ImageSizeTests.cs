using CudnnResNet.Data;
using CudnnResNet.Kernels;
using CudnnResNet.Memory;
using CudnnResNet.OneDnn;
using CudnnResNet.Reference;
using CudnnResNet.Tests.Execution;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Training;

/// <summary>Runs whose images grow: each step sees the size of its epoch, in one block of memory, and resumes bit for bit.</summary>
public class ImageSizeTests
{
    private const int FullSide = 16;

    /// <summary>Squares of noise whose grain does not depend on their size, in three classes.</summary>
    private sealed class Squares(int side, Action<int>? reading = null) : ISampleSource
    {
        public DamagedImages Damaged { get; } = new();

        public string SampleRecipe => "noise";

        public string Name => "squares";

        public int Count => 21;

        public int Height => side;

        public int Width => side;

        public int Channels => 1;

        public int ClassCount => 3;

        public IReadOnlyList<string> ClassNames { get; } = ["a", "b", "c"];

        public ISampleSource WithSize(int other) => new Squares(other, reading);

        public int Label(int index) => index % 3;

        public void ReadImage(int index, Span<float> nhwc)
        {
            for (int i = 0; i < nhwc.Length; i++)
                nhwc[i] = (byte)(255 * Grain(CounterRandom.For(1, 2, (ulong)index), i)) / 255f;
        }

        public void ReadBytes(int index, Span<byte> hwc)
        {
            for (int i = 0; i < hwc.Length; i++)
                hwc[i] = (byte)(255 * Grain(CounterRandom.For(1, 2, (ulong)index), i));
        }

        public void ReadSample(int index, CounterRandom random, Span<byte> hwc)
        {
            reading?.Invoke(side);
            for (int i = 0; i < hwc.Length; i++)
                hwc[i] = (byte)(255 * Grain(random, i));
        }

        private float Grain(CounterRandom random, int i) =>
            (float)random.Uniform((ulong)(1000 + (i / side * 4 / side * 4) + (i % side * 4 / side)));
    }

    /// <summary>Five steps an epoch: two epochs at 8, one at 12, one at 16.</summary>
    private static TrainingOptions Options(string? folder) => SmallTraining.Options(folder) with
    {
        Epochs = 4,
        ImageSizes = [new SizePoint(0, 8), new SizePoint(2, 12), new SizePoint(3, FullSide)],
    };

    /// <summary>Stopped within a size, at the last step of one, at the first of the next, and where the last begins.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ResumedAtAnyStepItGoesOnAsIfNeverStopped(bool shuffle)
    {
        using TemporaryFolder folder = new();
        using OneDnnBackend backend = new(2);
        TrainingOptions options = Options(folder.Path) with { Shuffle = shuffle };
        RunTrace unbroken = Run(options with { OutputFolder = null }, backend);
        long[] ends = [.. Enumerable.Range(1, 3).Select(epoch => unbroken.Steps.Last(step => step.Epoch == epoch).Step)];
        foreach (long stop in (ReadOnlySpan<long>)[3, ends[1], ends[1] + 1, ends[2], ends[2] + 2])
        {
            RunTrace first = Run(options, backend, stopAfter: stop);
            Checkpoint checkpoint = Checkpoint.Load(folder.File("last.safetensors"));
            Assert.Equal(stop, checkpoint.Progress.Step);
            RunTrace second = Run(options, backend, new Resumption(checkpoint));
            Assert.Equal(unbroken.Steps, [.. first.Steps, .. second.Steps]);
            Assert.Equal(unbroken.Epochs, [.. first.Epochs, .. second.Epochs]);
            SmallTraining.AssertSameState(unbroken, second);
        }
    }

    /// <summary>A schedule of one size is the run at that size; another schedule is another run, and is refused.</summary>
    [Fact]
    public void OneSizeIsTheRunAtThatSize()
    {
        using TemporaryFolder folder = new();
        using ReferenceBackend backend = new(2);
        TrainingOptions plain = SmallTraining.Options(folder.Path);
        RunTrace expected = SmallTraining.Run(plain, backend, GoldenNetwork.Untuned, train: new Squares(12), test: new Squares(12));
        RunTrace actual = SmallTraining.Run(plain with { ImageSizes = [new SizePoint(0, 12)], OutputFolder = null }, backend, GoldenNetwork.Untuned,
            train: new Squares(FullSide), test: new Squares(12));
        SmallTraining.AssertSame(expected, actual);
        Assert.Contains("image sizes", Assert.Throws<ResNetException>(() => SmallTraining.Run(plain with { ImageSizes = [new SizePoint(0, 8), new SizePoint(1, 12)] },
            backend, GoldenNetwork.Untuned, new Resumption(Checkpoint.Load(folder.File("last.safetensors"))), train: new Squares(12), test: new Squares(12))).Message, StringComparison.Ordinal);
    }

    /// <summary>Samples are made in the sizes of the schedule only, each size for its epochs.</summary>
    [Fact]
    public void EveryEpochSeesItsSize()
    {
        List<int> sides = [];
        using ReferenceBackend backend = new(2);
        TrainingOptions options = Options(null) with { Batch = 7 };
        _ = SmallTraining.Run(options, backend, GoldenNetwork.Untuned, train: new Squares(FullSide, side =>
        {
            lock (sides)
                sides.Add(side);
        }), test: new Squares(FullSide));
        // A loader makes some batches more than its stage takes.
        Assert.Equal(sides.Order(), sides);
        Assert.InRange(sides.Count(side => side == 8), 42, 42 + 4 * 7);
        Assert.InRange(sides.Count(side => side == 12), 21, 21 + 4 * 7);
        Assert.InRange(sides.Count(side => side == FullSide), 21, 21 + 4 * 7);
    }

    /// <summary>Sizes and the evaluation take turns: the block is as large as the largest plan needs, and the few bytes that each needs for itself.</summary>
    [Fact]
    public void AllSizesAndTheEvaluationLieInOneBlock()
    {
        using CountingBackend backend = new(new ReferenceBackend(2));
        TrainingOptions options = Options(null) with { Batch = 8, Accumulate = 2, EvaluationBatch = 21 };
        using (Trainer trainer = Trainer.Create(options, new Squares(FullSide), new Squares(FullSide), backend, GoldenNetwork.Untuned))
        {
            Assert.Equal(1, backend.Allocations);
            Assert.Equal(trainer.MemoryBytes, backend.AllocatedBytes);
            MemoryPlan largest = trainer.Session.Compiled.Memory;
            long evaluation = Inference.InferenceSession.Compile(options.Spec, 21, FullSide, FullSide, options.Precision, backend, GoldenNetwork.Untuned).Memory.PersistentBytes;
            Assert.Equal(largest.PeakBytes + evaluation, trainer.MemoryBytes);
        }
    }

    [Fact]
    public void SizesWithoutMeaningAreRefused()
    {
        using ReferenceBackend backend = new(1);
        string Refusal(IDataSet data, params SizePoint[] sizes) => Assert.Throws<ResNetException>(() => Trainer.Create(
            Options(null) with { ImageSizes = [.. sizes] }, data, null, backend, GoldenNetwork.Untuned)).Message;
        Assert.Contains("epochs from 0", Refusal(new Squares(FullSide), new SizePoint(1, 8)), StringComparison.Ordinal);
        Assert.Contains("ascending", Refusal(new Squares(FullSide), new SizePoint(0, 8), new SizePoint(0, 12)), StringComparison.Ordinal);
        Assert.Contains("at least 1", Refusal(new Squares(FullSide), new SizePoint(0, 0)), StringComparison.Ordinal);
        // What fits the first size only is not found out when the second begins.
        Assert.Contains("crop padding of 2", Refusal(new Squares(FullSide), new SizePoint(0, 8), new SizePoint(1, 1)), StringComparison.Ordinal);
        Assert.Contains("images of 12 x 12 only", Refusal(SmallTraining.Data(), new SizePoint(0, 8)), StringComparison.Ordinal);
    }

    private static RunTrace Run(TrainingOptions options, IBackend backend, Resumption? resumption = null, long stopAfter = long.MaxValue) =>
        SmallTraining.Run(options, backend, GoldenNetwork.Untuned, resumption, stopAfter, new Squares(FullSide), new Squares(FullSide));
}
