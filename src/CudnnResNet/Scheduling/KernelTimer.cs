using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.InteropServices;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Scheduling;

/// <summary>What one run of a kernel adds to a step.</summary>
/// <param name="Microseconds">Infinite for a kernel that refuses to run.</param>
/// <param name="IsDisturbed">Other processes held a processor during every run: it may be far too long.</param>
public readonly record struct KernelTime(double Microseconds, bool IsDisturbed = false);

/// <summary>
/// Times kernels on a problem of their own, which finds its operands as a step does: the one that its chain begins with
/// was written by the kernel before and may be in a cache, all others are not. So those others come in copies, of which
/// no run sees one again before twice the last cache has passed.
/// </summary>
public sealed class KernelTimer(IBackend backend, ArenaPool pool)
{
    private const int MinimumRuns = 3;
    private const int MaximumRuns = 30;

    /// <summary>One for each run and one to warm up on: more are never needed.</summary>
    private const int MaximumRotation = MaximumRuns + 1;

    /// <summary>Below this a kernel's time is that of its launch, wherever its operands lie.</summary>
    private const long WorthEvictingBytes = 256 << 10;

    /// <summary>Two times within this factor of each other were not disturbed.</summary>
    private const double Agreement = 1.05;

    /// <summary>A kernel that was this much slower than the best so far, twice, is not timed further.</summary>
    private const double Hopeless = 1.5;

    private const int PatternBytes = 1 << 18;
    private static readonly TimeSpan Budget = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a run without disturbance is waited for.</summary>
    private static readonly TimeSpan Patience = 3 * Budget;

    // Ordinary numbers between 0.25 and 1: neither zeros nor denormals, which some units run slower or faster. Labels
    // are zero; positions in a pooling window are the centre of 3 x 3, which never lies in the padding.
    private static readonly byte[] Floats = Pattern(DataType.Float32);
    private static readonly byte[] BFloats = Pattern(DataType.BFloat16);
    private static readonly byte[] Halves = Pattern(DataType.Float16);
    private static readonly byte[] Zeros = new byte[PatternBytes];
    private static readonly byte[] Centres = [.. Enumerable.Repeat((byte)4, PatternBytes)];

    /// <summary>
    /// The time that one run of each kernel adds to a step: the least of several, because whatever disturbs a run makes it
    /// longer, and the gap behind it.
    /// </summary>
    public KernelTime[] Measure(IReadOnlyList<Kernel> kernels, Problem problem)
    {
        long workspaceBytes = kernels.Max(kernel => Region.Align(kernel.WorkspaceBytes(problem)));
        long packedBytes = kernels.Max(kernel => Region.Align(kernel.PackedBytes(problem)));
        long sharedBytes = SharedInput(problem) is { } shared ? Region.Align(problem[shared].Bytes) : 0;
        long setBytes = problem.Values.Sum(value => Region.Align(value.Bytes)) + workspaceBytes + packedBytes - sharedBytes;
        long coldBytes = 2 * backend.CacheBytes;
        int rotation = (int)Math.Clamp(coldBytes / Math.Max(setBytes, 1) + 1, 1, MaximumRotation);
        // Few small copies are all in the cache once they are filled.
        long evictedBytes = setBytes >= WorthEvictingBytes && setBytes * rotation < coldBytes ? coldBytes : 0;
        Arena arena = pool.Rent(sharedBytes + setBytes * rotation + evictedBytes, clearBytes: 0);
        Region evicted = new(sharedBytes + setBytes * rotation, evictedBytes);
        try
        {
            KernelArguments[] sets = [.. Enumerable.Range(0, rotation)
                .Select(i => LayOut(problem, arena, sharedBytes + setBytes * i, workspaceBytes, packedBytes, Fill))];
            KernelTime[] times = new KernelTime[kernels.Count];
            double best = double.PositiveInfinity;
            for (int i = 0; i < times.Length; i++)
            {
                times[i] = Measure(kernels[i], problem, sets, evicted, best);
                best = Math.Min(best, times[i].Microseconds);
            }
            return times;
        }
        finally
        {
            pool.Return(arena);
        }
    }

    private KernelTime Measure(Kernel kernel, Problem problem, KernelArguments[] sets, Region evicted, double bestSoFar)
    {
        LoadedKernel[] copies = new LoadedKernel[sets.Length];
        try
        {
            for (int i = 0; i < copies.Length; i++)
            {
                copies[i] = kernel.Load(problem, InPlace(kernel, problem, sets[i]));
                copies[i].Prepare();
            }
            Fill(sets[0].Arena, evicted, DataType.Float32);
            copies[0].Run();
            backend.Synchronize();
            kernel.KeepTrial(problem, refusal: null);
            return LeastTime(copies, bestSoFar);
        }
        catch (KernelRefusedException refusal)
        {
            kernel.KeepTrial(problem, refusal.Message);
            return new KernelTime(double.PositiveInfinity);
        }
        finally
        {
            foreach (LoadedKernel? copy in copies)
                copy?.Dispose();
        }
    }

    /// <summary>Runs a kernel once, on memory that nobody reads, so that what it refuses is known before anything depends on it.</summary>
    /// <returns>False where it refused. True also where there is no room to try it, which is not kept.</returns>
    public bool Try(Kernel kernel, Problem problem)
    {
        Arena arena;
        try
        {
            arena = pool.Rent(TrialBytes(kernel, problem), clearBytes: 0);
        }
        catch (MemoryShortageException)
        {
            return true;
        }
        LoadedKernel? loaded = null;
        try
        {
            long shared = SharedInput(problem) is { } input ? Region.Align(problem[input].Bytes) : 0;
            KernelArguments arguments = LayOut(problem, arena, shared, Region.Align(kernel.WorkspaceBytes(problem)),
                Region.Align(kernel.PackedBytes(problem)), FillIndices);
            loaded = kernel.Load(problem, InPlace(kernel, problem, arguments));
            loaded.Prepare();
            loaded.Run();
            backend.Synchronize();
            kernel.KeepTrial(problem, refusal: null);
            return true;
        }
        catch (KernelRefusedException refusal)
        {
            kernel.KeepTrial(problem, refusal.Message);
            return false;
        }
        finally
        {
            loaded?.Dispose();
            pool.Return(arena);
        }
    }

    /// <summary>What <see cref="Try"/> takes.</summary>
    public static long TrialBytes(Kernel kernel, Problem problem) => problem.Values.Sum(value => Region.Align(value.Bytes))
        + Region.Align(kernel.WorkspaceBytes(problem)) + Region.Align(kernel.PackedBytes(problem));

    /// <summary>Results over operands wherever the kernel may: the memory plan does the same where it can.</summary>
    private static KernelArguments InPlace(Kernel kernel, Problem problem, KernelArguments set)
    {
        ImmutableArray<Region> regions = set.Values;
        foreach (ValueId output in problem.Outputs)
            if (kernel.MayOverwrite(problem, output) is { } input && problem[input].Bytes == problem[output].Bytes)
                regions = regions.SetItem(output.Index, set[input]);
        return set with { Values = regions };
    }

    /// <summary>
    /// Runs until the two least times agree, so that a busy machine costs time and not a wrong choice. Runs during which the
    /// system took a processor away do not count where there are others: they would make long kernels look slow beside short ones.
    /// </summary>
    private KernelTime LeastTime(LoadedKernel[] copies, double bestSoFar)
    {
        (double least, double second, double disturbed) = (double.PositiveInfinity, double.PositiveInfinity, double.PositiveInfinity);
        long start = Stopwatch.GetTimestamp();
        for (int run = 1; run <= MaximumRuns; run++)
        {
            long interruptions = backend.Interruptions;
            double time = backend.Time(copies[run % copies.Length]);
            if (backend.Interruptions != interruptions)
                disturbed = Math.Min(disturbed, time);
            else
                (least, second) = time < least ? (time, least) : (least, Math.Min(second, time));
            bool agree = second <= Agreement * least && double.IsFinite(second);
            if (run >= MinimumRuns && (agree || Stopwatch.GetElapsedTime(start) > (double.IsFinite(least) ? Budget : Patience)))
                break;
            if (run == 2 && agree && least > Hopeless * bestSoFar)
                break;
        }
        return new KernelTime(Math.Max(Math.Min(least, disturbed), 0.01) + backend.GapMicroseconds, double.IsInfinity(least));
    }

    /// <summary>The operand that the chain begins with, unless it is too large to be found in a cache.</summary>
    private ValueId? SharedInput(Problem problem) =>
        problem.Operations[0] is not SgdUpdate && problem.Nodes[0].Inputs[0] is var input
            && problem[input].Bytes <= backend.CacheBytes / 4 ? input : null;

    private KernelArguments LayOut(
        Problem problem, Arena arena, long offset, long workspaceBytes, long packedBytes, Action<Arena, Region, DataType> fill)
    {
        Region Next(long bytes)
        {
            Region region = new(offset, bytes);
            offset += Region.Align(bytes);
            return region;
        }

        ImmutableArray<Region>.Builder regions = ImmutableArray.CreateBuilder<Region>(problem.Values.Length);
        ValueId? shared = SharedInput(problem);
        foreach (Value value in problem.Values)
        {
            Region region = value.Id == shared ? new Region(0, value.Bytes) : Next(value.Bytes);
            regions.Add(region);
            if (problem.Inputs.Contains(value.Id))
                fill(arena, region, value.Type);
        }
        return new KernelArguments(arena, regions.ToImmutable(), Next(workspaceBytes), Next(packedBytes));
    }

    private static void Fill(Arena arena, Region region, DataType type)
    {
        byte[] pattern = type switch
        {
            DataType.Float32 => Floats,
            DataType.BFloat16 => BFloats,
            DataType.Float16 => Halves,
            DataType.UInt8 => Centres,
            _ => Zeros,
        };
        for (long done = 0; done < region.Bytes; done += PatternBytes)
        {
            int length = (int)Math.Min(PatternBytes, region.Bytes - done);
            arena.Write(new Region(region.OffsetBytes + done, length), pattern.AsSpan(0, length));
        }
    }

    /// <summary>What is computed does not matter, but indices say where to read and write.</summary>
    private static void FillIndices(Arena arena, Region region, DataType type)
    {
        if (type is not (DataType.Float64 or DataType.Float32 or DataType.Float16 or DataType.BFloat16))
            Fill(arena, region, type);
    }

    private static byte[] Pattern(DataType type)
    {
        byte[] bytes = new byte[PatternBytes];
        uint state = 0x9E3779B9;
        if (type == DataType.Float32)
            foreach (ref float x in MemoryMarshal.Cast<byte, float>(bytes.AsSpan()))
                x = 0.25f + (state = state * 1664525 + 1013904223) / (float)uint.MaxValue * 0.75f;
        else if (type == DataType.Float16)
            foreach (ref Half x in MemoryMarshal.Cast<byte, Half>(bytes.AsSpan()))
                x = (Half)(0.25f + (state = state * 1664525 + 1013904223) / (float)uint.MaxValue * 0.75f);
        else
            foreach (ref ushort x in MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan()))
                x = (ushort)(0x3E80 + ((state = state * 1664525 + 1013904223) >> 24));
        return bytes;
    }
}
