using CudnnResNet.Data;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Inference;

/// <summary>
/// The batches of a session that the device was given and whose logits the host has not collected. Each takes the next slot of a
/// queue, so that the host makes and copies one while the device works on the one before.
/// </summary>
internal sealed class BatchesUnderWay : IDisposable
{
    private readonly ExecutionPlan _plan;
    private readonly Value _logits;
    private readonly Region[] _results;
    private readonly RunQueue _queue;
    private readonly HostAccess[] _images;
    private readonly BatchInput[] _inputs;
    private long _begun;
    private long _ended;

    public BatchesUnderWay(ExecutionPlan plan, Value images, Value logits)
    {
        (_plan, _logits) = (plan, logits);
        _results = [plan.RegionOf(logits.Id)];
        plan.BindFurtherRuns();
        _queue = plan.CreateQueue(_results);
        _images = [.. Enumerable.Range(0, _queue.Slots).Select(slot => new HostAccess(plan, images, _queue, plan.InputOf(images.Id, slot)))];
        _inputs = [.. _images.Select(access => new BatchInput(access))];
    }

    public int Pending => (int)(_begun - _ended);

    public DeviceTime? DeviceTime => _queue.DeviceTime;

    /// <summary>The most compact form of batches that every slot takes.</summary>
    public BatchForm Accepts(IDataSet data, Normalization normalization)
    {
        BatchForm form = BatchForm.Files;
        foreach (BatchInput input in _inputs)
            form = (BatchForm)Math.Min((int)form, (int)input.Accepts(data, normalization));
        return form;
    }

    public void Submit(Batch batch)
    {
        int slot = Open();
        try
        {
            using StepTrace.SliceScope copy = StepTrace.Slice(_plan.Trace, TraceKind.CopyIn);
            _inputs[slot].Write(batch);
        }
        catch
        {
            _queue.Cancel();
            throw;
        }
        Run(slot);
    }

    public void Submit(ReadOnlySpan<float> images)
    {
        int slot = Open();
        try
        {
            using StepTrace.SliceScope copy = StepTrace.Slice(_plan.Trace, TraceKind.CopyIn);
            _images[slot].Write(images);
        }
        catch
        {
            _queue.Cancel();
            throw;
        }
        Run(slot);
    }

    /// <summary>Waits for the oldest batch.</summary>
    public void Collect(Span<float> logits)
    {
        if (Pending == 0)
            throw new InvalidOperationException("No batch is under way.");
        if (logits.Length != _logits.Shape.Elements)
            throw new ArgumentException($"A batch has {_logits.Shape.Elements} logits, not {logits.Length}.", nameof(logits));
        ReadOnlySpan<byte> bytes = _queue.Wait((int)(_ended % _queue.Slots));
        _ended++;
        HostConversion.ToHost(bytes, _logits.Type, logits);
    }

    public void Dispose()
    {
        // First: then nothing reads inputs any more.
        _queue.Dispose();
        foreach (BatchInput input in _inputs)
            input.Dispose();
    }

    private int Open()
    {
        if (Pending == _queue.Slots)
            throw new InvalidOperationException($"{Pending} batches are under way; collect one before the next.");
        int slot = (int)(_begun % _queue.Slots);
        _queue.Open(slot);
        return slot;
    }

    private void Run(int slot)
    {
        try
        {
            _plan.Run(_queue, slot, _results);
        }
        catch
        {
            _queue.Cancel();
            throw;
        }
        _begun++;
    }
}
