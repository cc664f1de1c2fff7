using CudnnResNet.Data;

namespace CudnnResNet.Training;

/// <summary>What the trainer knows of a step that it submitted, until the step is collected.</summary>
internal sealed class GivenStep(int labels)
{
    private readonly int[] _labels = new int[labels];

    public ReadOnlySpan<int> Labels => _labels;

    public int Epoch { get; private set; }

    /// <summary>Where the loader goes on after the step.</summary>
    public LoaderPosition After { get; private set; }

    public double LearningRate { get; private set; }

    /// <summary>Takes over what is wanted of a batch, whose memory is used again.</summary>
    public void Set(Batch batch, double learningRate)
    {
        batch.Labels.CopyTo(_labels);
        (Epoch, After, LearningRate) = ((int)batch.Epoch, batch.After, learningRate);
    }
}

/// <summary>Steps in the order in which they were submitted, in memory that is taken once.</summary>
/// <param name="most">That may be pending.</param>
/// <param name="labels">Of a step.</param>
internal sealed class GivenSteps(int most, int labels)
{
    private readonly GivenStep[] _ring = [.. Enumerable.Range(0, most).Select(_ => new GivenStep(labels))];
    private long _added;
    private long _taken;

    public void Add(Batch batch, double learningRate) => _ring[_added++ % most].Set(batch, learningRate);

    /// <summary>The oldest; valid until the ring is full again.</summary>
    public GivenStep Take() => _ring[_taken++ % most];
}
