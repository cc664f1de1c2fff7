namespace CudnnResNet.Kernels;

/// <summary>
/// Rents arenas and takes them back, so that plans for several batch sizes, and measurements, use the same blocks one
/// after the other. It can be capped, trimmed, and closed to zero; a rented arena is disposed by returning it.
/// Not thread-safe: a pool belongs to the thread that compiles and loads.
/// </summary>
public sealed class ArenaPool(IBackend backend, long capBytes = long.MaxValue) : IDisposable
{
    private static readonly byte[] Zeros = new byte[1 << 20];

    private readonly List<Arena> _free = [];
    private readonly HashSet<Arena> _rented = [];

    /// <summary>Bytes of the arenas that are out.</summary>
    public long RentedBytes => _rented.Sum(arena => arena.Bytes);

    /// <summary>Bytes held for the next renter.</summary>
    public long FreeBytes => _free.Sum(arena => arena.Bytes);

    /// <summary>The most that was ever held, rented and free together.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>An arena of at least <paramref name="bytes"/>; its first <paramref name="clearBytes"/> are zero.</summary>
    /// <exception cref="ResNetException">The cap or the device has no room; the message says how much was asked.</exception>
    public Arena Rent(long bytes, long clearBytes)
    {
        Arena? arena = _free.Where(free => free.Bytes >= bytes).MinBy(free => free.Bytes);
        if (arena is not null)
        {
            // First, because it may throw: an arena is always in one of the lists.
            Clear(arena, clearBytes);
            _free.Remove(arena);
        }
        else
        {
            // What is too small now is rarely wanted again: measurements and batches of growing size would pile up.
            Trim();
            if (RentedBytes + bytes > capBytes)
                throw new ResNetException($"A plan needs {bytes:N0} bytes, and the limit of {capBytes:N0} has "
                    + $"{capBytes - RentedBytes:N0} left; use a smaller batch or a higher limit.");
            arena = backend.Allocate(bytes);
        }
        _rented.Add(arena);
        PeakBytes = Math.Max(PeakBytes, RentedBytes + FreeBytes);
        return arena;
    }

    public void Return(Arena arena)
    {
        if (!_rented.Remove(arena))
            throw new InvalidOperationException("The arena was not rented here, or was returned before.");
        _free.Add(arena);
    }

    /// <summary>Gives everything that is not rented back to the system.</summary>
    public void Trim()
    {
        foreach (Arena arena in _free)
            arena.Dispose();
        _free.Clear();
    }

    /// <summary>Frees everything, rented arenas too: whoever still holds one must not use it.</summary>
    public void Dispose()
    {
        Trim();
        foreach (Arena arena in _rented)
            arena.Dispose();
        _rented.Clear();
    }

    private static void Clear(Arena arena, long bytes)
    {
        for (long offset = 0; offset < bytes; offset += Zeros.Length)
        {
            int length = (int)Math.Min(Zeros.Length, bytes - offset);
            arena.Write(new Region(offset, length), Zeros.AsSpan(0, length));
        }
    }
}
