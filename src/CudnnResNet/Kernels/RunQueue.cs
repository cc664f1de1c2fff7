namespace CudnnResNet.Kernels;

/// <summary>
/// Runs that a host gives to a device without waiting for their ends. Each takes a slot, which holds what goes to the device
/// and what comes back; a slot is free again when its run was awaited. Runs begin and end in the order of their calls.
/// </summary>
public abstract class RunQueue(int slots) : IDisposable
{
    private readonly SlotState[] _states = new SlotState[slots];

    private enum SlotState
    {
        Free,
        Open,
        Running,
    }

    public int Slots => slots;

    /// <summary>The slot that is open for input.</summary>
    protected int OpenSlot { get; private set; } = -1;

    /// <summary>Opens a slot for the inputs of the next run. One slot at a time is open.</summary>
    /// <exception cref="InvalidOperationException">Another is open, or the slot's last run was not awaited.</exception>
    public void Open(int slot)
    {
        if (OpenSlot >= 0 || _states[slot] != SlotState.Free)
            throw new InvalidOperationException($"Slot {slot} is {_states[slot]}, and slot {OpenSlot} is open.");
        Begin(slot);
        (_states[slot], OpenSlot) = (SlotState.Open, slot);
    }

    /// <summary>Gives the open run an input; returns as soon as <paramref name="source"/> may change.</summary>
    /// <param name="region">Where the run reads it. No other run that is under way may read there.</param>
    /// <param name="source">As long as the region.</param>
    public abstract void Write(Region region, ReadOnlySpan<byte> source);

    /// <summary>
    /// An input of the open run could not be made, or a kernel not be given to the device: gives its slot back. Nothing happens where
    /// none is open.
    /// </summary>
    public void Cancel()
    {
        if (OpenSlot < 0)
            return;
        Withdraw();
        (_states[OpenSlot], OpenSlot) = (SlotState.Free, -1);
    }

    /// <summary>All inputs were given. Kernels that are run from here on see them, and belong to the run.</summary>
    public abstract void Start();

    /// <summary>All kernels of the run were given: asks for its results, and closes the slot.</summary>
    public void Finish(ReadOnlySpan<Region> results)
    {
        End(results);
        (_states[OpenSlot], OpenSlot) = (SlotState.Running, -1);
    }

    /// <summary>Blocks until the run of a slot is done; runs are awaited in the order in which they began.</summary>
    /// <returns>The results, each at the next multiple of <see cref="Region.Alignment"/>; valid until the slot is opened again.</returns>
    public ReadOnlySpan<byte> Wait(int slot)
    {
        if (_states[slot] != SlotState.Running)
            throw new InvalidOperationException($"Slot {slot} is {_states[slot]}: it has no run to wait for.");
        ReadOnlySpan<byte> results = Await(slot);
        _states[slot] = SlotState.Free;
        return results;
    }

    /// <summary>By the device's clock, of the runs that were awaited; null where the device keeps no time.</summary>
    public virtual DeviceTime? DeviceTime => null;

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Makes room for the inputs of a slot.</summary>
    protected abstract void Begin(int slot);

    /// <summary>Waits until nothing reads what the host gave to the open slot, kernels of a run that has started included; throws nothing.</summary>
    protected abstract void Withdraw();

    /// <summary>Enqueues the copies of the results of the open slot.</summary>
    protected abstract void End(ReadOnlySpan<Region> results);

    /// <summary>Waits for the oldest run that was not awaited, which is in <paramref name="slot"/>.</summary>
    protected abstract ReadOnlySpan<byte> Await(int slot);

    protected virtual void Dispose(bool disposing) { }

    /// <summary>The bytes of regions one after the other, each at a multiple of <see cref="Region.Alignment"/>.</summary>
    protected static long Bytes(ReadOnlySpan<Region> regions)
    {
        long bytes = 0;
        foreach (Region region in regions)
            bytes += Region.Align(region.Bytes);
        return bytes;
    }
}

/// <summary>What a device did with the time of some runs.</summary>
/// <param name="Runs">How many.</param>
/// <param name="BusySeconds">From a run's first kernel to its end.</param>
/// <param name="IdleSeconds">From the end of the run before to a run's first kernel: waiting for input, or for the host.</param>
public readonly record struct DeviceTime(long Runs, double BusySeconds, double IdleSeconds)
{
    public static DeviceTime operator -(DeviceTime end, DeviceTime begin) =>
        new(end.Runs - begin.Runs, end.BusySeconds - begin.BusySeconds, end.IdleSeconds - begin.IdleSeconds);
}

/// <summary>Runs that are done when their calls return: of a backend that computes in its caller's thread.</summary>
public sealed class SynchronousQueue : RunQueue
{
    private readonly IBackend _backend;
    private readonly Arena _arena;
    private readonly byte[][] _results;

    /// <param name="backend">Computes.</param>
    /// <param name="arena">Where inputs and results lie.</param>
    /// <param name="slots">Runs that need not be awaited at once.</param>
    /// <param name="results">As long as those of a run.</param>
    public SynchronousQueue(IBackend backend, Arena arena, int slots, ReadOnlySpan<Region> results) : base(slots)
    {
        _backend = backend;
        _arena = arena;
        _results = new byte[slots][];
        for (int i = 0; i < slots; i++)
            _results[i] = new byte[Bytes(results)];
    }

    public override void Write(Region region, ReadOnlySpan<byte> source) => _arena.Write(region, source);

    public override void Start() { }

    protected override void Begin(int slot) { }

    protected override void Withdraw() { }

    protected override void End(ReadOnlySpan<Region> results)
    {
        _backend.Synchronize();
        int offset = 0;
        foreach (Region region in results)
        {
            _arena.Read(region, _results[OpenSlot].AsSpan(offset, (int)region.Bytes));
            offset += (int)Region.Align(region.Bytes);
        }
    }

    protected override ReadOnlySpan<byte> Await(int slot) => _results[slot];
}
