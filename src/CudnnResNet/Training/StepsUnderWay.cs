using CudnnResNet.Data;
using CudnnResNet.Execution;
using CudnnResNet.Kernels;

namespace CudnnResNet.Training;

/// <summary>
/// The steps of a session that the device was given and whose results the host has not yet collected. Each pass takes the
/// next slot of the queue; its results are taken over when the slot is needed again, or when the step is collected.
/// </summary>
/// <param name="queue">Of the session's arena.</param>
/// <param name="inputs">Of each slot.</param>
/// <param name="passes">Of a step.</param>
/// <param name="lossAndLogits">Any pass of the session: results of all have the same types.</param>
internal sealed class StepsUnderWay(RunQueue queue, PassInputs[] inputs, int passes, TrainingPass lossAndLogits) : IDisposable
{
    // One more than may be pending: what was collected last stays.
    private readonly Result[] _results = [.. Enumerable.Range(0, Math.Max(1, MostOf(queue)) + 1)
        .Select(_ => new Result(lossAndLogits.Logits.Shape.SpanLength(passes)))];

    private readonly double[] _loss = new double[1];
    private long _begunPasses;
    private long _endedPasses;
    private long _collected;

    /// <summary>Steps that may be pending while the host goes on; 0 where a step is over when the call that began it returns.</summary>
    public int Most => MostOf(queue);

    /// <summary>Steps that have begun and were not collected.</summary>
    public int Pending => (int)((_begunPasses + passes - 1) / passes - _collected);

    /// <summary>Of the step that was collected last.</summary>
    public double Loss => Last.LossSum / passes;

    /// <inheritdoc cref="Loss"/>
    public ReadOnlySpan<float> Logits => Last.Logits;

    /// <summary>The most compact form of batches that every slot takes.</summary>
    public BatchForm Accepts(IDataSet data, Normalization normalization)
    {
        BatchForm form = inputs[0].Batches.Accepts(data, normalization);
        foreach (PassInputs input in inputs.AsSpan(1))
            form = (BatchForm)Math.Min((int)form, (int)input.Batches.Accepts(data, normalization));
        return form;
    }

    /// <summary>Opens the next slot for the inputs of a pass.</summary>
    /// <exception cref="InvalidOperationException">As many steps are pending as may be.</exception>
    public PassInputs Open()
    {
        if (_begunPasses % passes == 0 && Pending >= Math.Max(1, Most))
            throw new InvalidOperationException($"{Pending} steps are under way; collect one before the next.");
        if (_begunPasses - _endedPasses == queue.Slots)
            TakeOver();
        queue.Open(Slot);
        return inputs[Slot];
    }

    /// <summary>Gives the device the pass whose inputs were written.</summary>
    public void Run(TrainingPass pass)
    {
        pass.Plan.Run(queue, Slot, pass.Results);
        _begunPasses++;
    }

    /// <summary>The pass whose slot is open cannot be given to the device: closes the slot, and takes back the passes of its step.</summary>
    /// <returns>There were such passes.</returns>
    public bool Withdraw()
    {
        queue.Cancel();
        long given = _begunPasses % passes;
        if (given == 0)
            return false;
        try
        {
            while (_endedPasses < _begunPasses)
                TakeOver();
        }
        catch (ResNetException)
        {
            // Nothing runs on that device any more, and what happened first is under way to the caller.
            return false;
        }
        // Every slot is free now, so that the next pass may take any of them.
        _begunPasses -= given;
        _endedPasses = _begunPasses;
        return true;
    }

    /// <summary>Waits for the oldest step.</summary>
    public void Collect()
    {
        if (_begunPasses < (_collected + 1) * passes)
            throw new InvalidOperationException("No step is under way.");
        while (_endedPasses < (_collected + 1) * passes)
            TakeOver();
        _collected++;
    }

    /// <summary>To be called when the queue was disposed: nothing reads inputs any more.</summary>
    public void Dispose()
    {
        foreach (PassInputs input in inputs)
            input.Dispose();
    }

    private int Slot => (int)(_begunPasses % queue.Slots);

    private Result Last => _results[(_collected - 1 + _results.Length) % _results.Length];

    private void TakeOver()
    {
        ReadOnlySpan<byte> bytes = queue.Wait((int)(_endedPasses % queue.Slots));
        Result result = _results[_endedPasses / passes % _results.Length];
        int pass = (int)(_endedPasses % passes);
        if (pass == 0)
            result.LossSum = 0;
        HostConversion.ToHost<double>(bytes, lossAndLogits.Loss.Type, _loss);
        result.LossSum += _loss[0];
        int elements = result.Logits.Length / passes;
        HostConversion.ToHost(bytes[(int)Region.Align(lossAndLogits.Loss.Bytes)..], lossAndLogits.Logits.Type,
            result.Logits.AsSpan(pass * elements, elements));
        _endedPasses++;
    }

    private static int MostOf(RunQueue queue) => queue.Slots == 1 ? 0 : queue.Slots;

    private sealed class Result(int logitElements)
    {
        public double LossSum { get; set; }

        public float[] Logits { get; } = new float[logitElements];
    }
}
