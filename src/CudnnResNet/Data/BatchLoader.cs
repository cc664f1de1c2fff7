using System.Runtime.ExceptionServices;
using CudnnResNet.Execution;

namespace CudnnResNet.Data;

/// <summary>
/// Full training batches without end, made ahead by one thread into memory that is taken once. The sequence depends only on
/// the data, the options and the start: a loader started at <see cref="Batch.After"/> goes on bit for bit.
/// </summary>
public sealed class BatchLoader : IDisposable
{
    /// <summary>A data set that hangs while it reads must not hang who disposes.</summary>
    private static readonly TimeSpan JoinLimit = TimeSpan.FromSeconds(2);

    private readonly TrainingSequence _sequence;
    private readonly Batch[] _ring;
    private readonly Thread _thread;
    private readonly object _gate = new();
    private readonly int _count;
    private readonly LoaderOptions _options;
    private readonly StepTrace? _trace;
    private long _made;
    private long _taken;
    private ExceptionDispatchInfo? _failure;
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
        _ring = new Batch[options.Prefetch + 1];
        for (int i = 0; i < _ring.Length; i++)
            _ring[i] = new Batch(options.Batch, data.ImageElements());
        _thread = new Thread(Make) { IsBackground = true, Name = "batch loader" };
        _thread.Start();
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
            // Asking for the next batch gives the one before back, which the thread may wait for.
            Monitor.PulseAll(_gate);
            while (true)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                if (_made > _taken)
                    return _ring[_taken++ % _ring.Length];
                _failure?.Throw();
                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>Stops the thread; a call of <see cref="Next"/> that waits ends with <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            Monitor.PulseAll(_gate);
        }
        _thread.Join(JoinLimit);
    }

    private void Make()
    {
        try
        {
            while (WaitForRoom())
            {
                using (StepTrace.Slice(_trace, TraceKind.MakeBatch))
                    _sequence.Next(_ring[_made % _ring.Length]);
                lock (_gate)
                {
                    _made++;
                    Monitor.PulseAll(_gate);
                }
            }
        }
        catch (Exception e)
        {
            lock (_gate)
            {
                _failure = ExceptionDispatchInfo.Capture(e);
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>False once disposed. The batch taken last is still in its reader's hands.</summary>
    private bool WaitForRoom()
    {
        lock (_gate)
        {
            while (!_disposed && _made - Math.Max(0, _taken - 1) >= _ring.Length)
                Monitor.Wait(_gate);
            return !_disposed;
        }
    }
}
