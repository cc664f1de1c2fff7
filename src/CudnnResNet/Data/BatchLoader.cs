using System.Runtime.ExceptionServices;
using CudnnResNet.Execution;

namespace CudnnResNet.Data;

/// <summary>
/// Full training batches without end, made ahead by threads of their own into memory that is taken once. The sequence
/// depends only on the data, the options and the start, not on the number of threads: a loader started at
/// <see cref="Batch.After"/> goes on bit for bit.
/// </summary>
public sealed class BatchLoader : IDisposable
{
    /// <summary>A data set that hangs while it reads must not hang who disposes.</summary>
    private static readonly TimeSpan JoinLimit = TimeSpan.FromSeconds(2);

    /// <summary>A thread takes so many samples at once that it asks for more about as often as this in a batch.</summary>
    private const int SharesPerThread = 4;

    private readonly TrainingSequence _sequence;
    private readonly Production[] _ring;
    private readonly Thread[] _threads;
    private readonly object _gate = new();
    private readonly int _count;
    private readonly int _share;
    private readonly LoaderOptions _options;
    private readonly StepTrace? _trace;
    private long _begun;
    private long _taken;
    private bool _disposed;

    /// <exception cref="ResNetException">The set does not fill one batch, or an option or the start is out of range.</exception>
    public BatchLoader(IDataSet data, LoaderOptions options)
        : this(data, options, LoaderPosition.Start)
    {
    }

    /// <inheritdoc cref="BatchLoader(IDataSet, LoaderOptions)"/>
    public BatchLoader(IDataSet data, LoaderOptions options, LoaderPosition start, StepTrace? trace = null)
    {
        _sequence = new TrainingSequence(data, options, start);
        (_count, _options, _trace) = (data.Count, options, trace);
        int threads = options.ThreadsFor(data);
        _share = threads == 1 ? options.Batch : Math.Max(1, options.Batch / (threads * SharesPerThread));
        _ring = new Production[options.Prefetch + 1];
        BatchForm form = options.FormFor(data);
        SampleMaker onHost = new(data, options);
        for (int i = 0; i < _ring.Length; i++)
            _ring[i] = new Production(options.Batch, data.ImageElements(), form, onHost);
        _threads = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            SampleMaker maker = new(data, options);
            BatchMixing mixing = new(data, options);
            _threads[i] = new Thread(() => Work(maker, mixing)) { IsBackground = true, Name = threads == 1 ? "batch loader" : $"batch loader {i + 1}" };
        }
        foreach (Thread thread in _threads)
            thread.Start();
    }

    /// <summary>Batches of an epoch; where a remainder is carried, some epochs have one more.</summary>
    public int StepsPerEpoch => _count / _options.Batch;

    /// <summary>Batches from the start to the end of the given epoch.</summary>
    public long StepsThrough(long epoch) => _options.StepsThrough(epoch, _count);

    /// <summary>Waits for the next batch. It is valid until the next call.</summary>
    /// <exception cref="ResNetException">The data set failed with one; any other exception of it passes too.</exception>
    public Batch Next()
    {
        lock (_gate)
        {
            // Asking for the next batch gives the one before back, which the threads may wait for.
            Monitor.PulseAll(_gate);
            while (true)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                Production next = _ring[_taken % _ring.Length];
                if (_begun > _taken && next.Unmade == 0)
                {
                    next.Failure?.Throw();
                    _taken++;
                    return next.Batch;
                }
                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>Stops the threads; a call of <see cref="Next"/> that waits ends with <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            Monitor.PulseAll(_gate);
        }
        foreach (Thread thread in _threads)
            thread.Join(JoinLimit);
    }

    private void Work(SampleMaker maker, BatchMixing mixing)
    {
        while (TakeShare(out Production? production, out int first, out int count))
        {
            ExceptionDispatchInfo? failure = null;
            bool isWhole;
            try
            {
                using (StepTrace.Slice(_trace, TraceKind.MakeBatch))
                    for (int slot = first; slot < first + count; slot++)
                        maker.Make(production.Plan.Samples[slot], production.Batch, slot);
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
            lock (_gate)
            {
                if (failure is not null)
                    production.Abandon(failure);
                isWhole = production.Missing == count;
                production.Missing -= count;
            }
            if (isWhole && production.Failure is null)
                mixing.Apply(production.Batch, production.Plan.Start);
            lock (_gate)
            {
                production.Unmade -= count;
                if (production.Unmade == 0)
                    Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>False once disposed, or where a batch that failed is the last.</summary>
    private bool TakeShare([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Production? production, out int first, out int count)
    {
        lock (_gate)
        {
            while (!_disposed)
            {
                production = _begun == 0 ? null : _ring[(_begun - 1) % _ring.Length];
                if (production?.Failure is not null)
                    break;
                // The batch taken last is still in its reader's hands.
                if ((production is null || production.Unplanned == 0) && _begun - Math.Max(0, _taken - 1) < _ring.Length)
                {
                    production = _ring[_begun++ % _ring.Length];
                    _sequence.Next(production.Plan, production.Batch);
                    production.Unplanned = production.Missing = production.Unmade = _options.Batch;
                }
                if (production is { Unplanned: > 0 })
                {
                    first = _options.Batch - production.Unplanned;
                    count = Math.Min(_share, production.Unplanned);
                    production.Unplanned -= count;
                    return true;
                }
                Monitor.Wait(_gate);
            }
            (production, first, count) = (null, 0, 0);
            return false;
        }
    }

    /// <summary>A batch in the making.</summary>
    private sealed class Production
    {
        /// <param name="onHost">Of the thread that takes batches.</param>
        public Production(int size, int imageElements, BatchForm form, SampleMaker onHost)
        {
            Batch = new(size, imageElements, form);
            Plan = new(size);
            if (form == BatchForm.Files)
                Batch.DecodeOnHost = slot => onHost.Make(Plan.Samples[slot], Batch, slot, onHost: true);
        }

        public Batch Batch { get; }

        public BatchPlan Plan { get; }

        /// <summary>Samples that no thread has taken.</summary>
        public int Unplanned { get; set; }

        /// <summary>Samples whose images are not there.</summary>
        public int Missing { get; set; }

        /// <summary>As <see cref="Missing"/>, until the batch may be handed out.</summary>
        public int Unmade { get; set; }

        public ExceptionDispatchInfo? Failure { get; private set; }

        /// <summary>What no thread has taken will not be made.</summary>
        public void Abandon(ExceptionDispatchInfo failure)
        {
            Failure ??= failure;
            Missing -= Unplanned;
            Unmade -= Unplanned;
            Unplanned = 0;
        }
    }
}
