namespace CudnnResNet.Reference;

/// <summary>Work that can be cut into independent items.</summary>
internal interface IParallelWork
{
    /// <summary>Does the items from <paramref name="begin"/> up to <paramref name="end"/>.</summary>
    /// <param name="begin">The first item.</param>
    /// <param name="end">Behind the last item.</param>
    /// <param name="worker">Who does them: an index for memory of one's own.</param>
    void Do(int begin, int end, int worker);
}

/// <summary>
/// Threads that wait for work. Items are dealt out in equal contiguous parts, so who does what never depends on
/// timing. Handing out work allocates nothing.
/// </summary>
internal sealed class WorkerPool : IDisposable
{
    private readonly SemaphoreSlim[] _start;
    private readonly SemaphoreSlim _done = new(0);
    private readonly Thread[] _threads;
    private IParallelWork? _work;
    private Exception? _error;
    private int _items;
    private bool _isClosing;

    public WorkerPool(int workers)
    {
        Workers = workers;
        _start = new SemaphoreSlim[workers - 1];
        _threads = new Thread[workers - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int worker = i + 1;
            _start[i] = new SemaphoreSlim(0);
            _threads[i] = new Thread(() => Serve(worker)) { IsBackground = true, Name = $"reference worker {worker}" };
            _threads[i].Start();
        }
    }

    public int Workers { get; }

    /// <summary>Returns when all items are done; the calling thread is worker 0.</summary>
    public void Run(IParallelWork work, int items)
    {
        if (_threads.Length == 0 || items < 2)
        {
            work.Do(0, items, 0);
            return;
        }
        (_work, _items) = (work, items);
        foreach (SemaphoreSlim start in _start)
            start.Release();
        DoPart(0);
        for (int i = 0; i < _threads.Length; i++)
            _done.Wait();
        if (Interlocked.Exchange(ref _error, null) is { } error)
            throw new InvalidOperationException("A reference kernel failed.", error);
    }

    public void Dispose()
    {
        _isClosing = true;
        foreach (SemaphoreSlim start in _start)
            start.Release();
        foreach (Thread thread in _threads)
            thread.Join();
        foreach (SemaphoreSlim start in _start)
            start.Dispose();
        _done.Dispose();
    }

    private void Serve(int worker)
    {
        while (true)
        {
            _start[worker - 1].Wait();
            if (_isClosing)
                return;
            DoPart(worker);
            _done.Release();
        }
    }

    private void DoPart(int worker)
    {
        int begin = (int)((long)_items * worker / Workers);
        int end = (int)((long)_items * (worker + 1) / Workers);
        try
        {
            if (begin < end)
                _work!.Do(begin, end, worker);
        }
        catch (Exception error) when (worker > 0)
        {
            _error = error;
        }
    }
}
