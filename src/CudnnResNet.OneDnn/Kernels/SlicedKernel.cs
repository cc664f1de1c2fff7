using CudnnResNet.Kernels;

namespace CudnnResNet.OneDnn.Kernels;

/// <summary>A managed kernel: phases in order, each cut into one slice a thread.</summary>
internal abstract class SlicedKernel(ThreadTeam team) : LoadedKernel
{
    /// <summary>Below this many bytes of traffic, waking the team costs more than it saves (a fork and join takes 2-5 µs).</summary>
    private const long WorthATeamBytes = 64 << 10;

    private Exception? _failure;
    private int _phase;

    protected virtual int Phases => 1;

    protected int Slices => team.Threads;

    public sealed override void Run()
    {
        BeforeRun();
        for (_phase = 0; _phase < Phases; _phase++)
        {
            if (Slices == 1 || TrafficBytes(_phase) < WorthATeamBytes)
                RunShare(0, 1);
            else
                team.Run(this);
            if (_failure is { } failure)
            {
                _failure = null;
                throw new InvalidOperationException($"{GetType().Name} failed: {failure.Message}", failure);
            }
        }
    }

    /// <summary>Small things that the calling thread does alone.</summary>
    protected virtual void BeforeRun() { }

    /// <summary>Bytes read and written by a phase, roughly; decides whether the team is woken.</summary>
    protected abstract long TrafficBytes(int phase);

    /// <summary>Runs slice <paramref name="slice"/> of <see cref="Slices"/>. Slices write disjoint memory.</summary>
    protected abstract void RunSlice(int phase, int slice);

    /// <summary>No exception may cross OpenMP's frames: it is kept and thrown again by <see cref="Run"/>.</summary>
    internal void RunShare(int member, int members)
    {
        try
        {
            for (int slice = member; slice < Slices; slice += members)
                RunSlice(_phase, slice);
        }
        catch (Exception error)
        {
            _failure = error;
        }
    }

    /// <summary>The part of [0, count) that belongs to a slice; borders are multiples of <paramref name="grain"/>.</summary>
    protected (nint Begin, nint End) Share(nint count, int slice, nint grain = 1)
    {
        nint grains = (count + grain - 1) / grain;
        nint begin = grains * slice / Slices * grain;
        nint end = grains * (slice + 1) / Slices * grain;
        return (Math.Min(begin, count), Math.Min(end, count));
    }
}
