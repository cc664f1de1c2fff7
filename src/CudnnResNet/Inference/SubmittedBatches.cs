using CudnnResNet.Data;

namespace CudnnResNet.Inference;

/// <summary>Images of a batch that was collected.</summary>
/// <param name="first">The index of the first, in the data.</param>
/// <param name="labels">One an image; what fills a last batch up is left out.</param>
/// <param name="logits">[N, Classes]; valid until the next batch is collected.</param>
public readonly ref struct ClassifiedBatch(int first, ReadOnlySpan<int> labels, ReadOnlySpan<float> logits)
{
    public int First { get; } = first;

    public ReadOnlySpan<int> Labels { get; } = labels;

    public ReadOnlySpan<float> Logits { get; } = logits;
}

/// <summary>
/// The batches that a session has under way, with what their reader must know when their logits come: the memory of a batch belongs
/// to the next one by then.
/// </summary>
public sealed class SubmittedBatches
{
    private readonly InferenceSession _session;
    private readonly float[] _logits;
    private readonly Given[] _given;
    private long _begun;
    private long _ended;

    /// <param name="session">What an earlier reader left under way in it is dropped.</param>
    public SubmittedBatches(InferenceSession session)
    {
        _session = session;
        _logits = new float[session.LogitElements];
        _given = new Given[Math.Max(1, session.MostPending)];
        for (int i = 0; i < _given.Length; i++)
            _given[i] = new Given { Labels = new int[session.Batch] };
        while (session.PendingBatches > 0)
            session.Collect(_logits);
    }

    public int Pending => (int)(_begun - _ended);

    /// <summary>One batch is to be collected before the next is submitted.</summary>
    public bool IsFull => Pending == _given.Length;

    /// <summary>More are pending than may be while the host goes on.</summary>
    public bool MustBeCollected => Pending > _session.MostPending;

    /// <param name="batch">May change when this returns.</param>
    /// <param name="first">The index of its first image.</param>
    public void Submit(Batch batch, int first)
    {
        _session.Submit(batch);
        // The device's input may have had to ask the host for an image, and only then is it known to be damaged.
        Given given = _given[_begun++ % _given.Length];
        (given.First, given.Count) = (first, batch.Count);
        batch.Labels.CopyTo(given.Labels);
    }

    /// <summary>Waits for the oldest.</summary>
    public ClassifiedBatch Collect()
    {
        _session.Collect(_logits);
        Given given = _given[_ended++ % _given.Length];
        return new ClassifiedBatch(given.First, given.Labels.AsSpan(0, given.Count), _logits);
    }

    private sealed class Given
    {
        public required int[] Labels { get; init; }

        public int First { get; set; }

        public int Count { get; set; }
    }
}
