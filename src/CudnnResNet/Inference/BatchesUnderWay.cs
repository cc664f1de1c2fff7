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
        try
        {
            _images = [.. Enumerable.Range(0, _queue.Slots).Select(slot => new HostAccess(plan, images, _queue, plan.InputOf(images.Id, slot)))];
            _inputs = [.. _images.Select(access => new BatchInput(access))];
        }
        catch
        {
            _queue.Dispose();
            throw;
        }
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

    public void Submit(Batch batch) => Submit(batch, static (self, slot, batch) => self._inputs[slot].Write(batch));

    public void Submit(ReadOnlySpan<float> images) => Submit(images, static (self, slot, images) => self._images[slot].Write(images));

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

    /// <summary>Runs the plan on what is written into the next slot; where that fails, the slot is free again.</summary>
    private void Submit<T>(T source, Action<BatchesUnderWay, int, T> write)
        where T : allows ref struct
    {
        if (Pending == _queue.Slots)
            throw new InvalidOperationException($"{Pending} batches are under way; collect one before the next.");
        int slot = (int)(_begun % _queue.Slots);
        _queue.Open(slot);
        try
        {
            using (StepTrace.Slice(_plan.Trace, TraceKind.CopyIn))
                write(this, slot, source);
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
