using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.InteropServices;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Scheduling;

/// <summary>
/// Times kernels on problems of their own. Operands rotate through as many copies as it takes to outgrow the last
/// cache, because that is how a step finds them.
/// </summary>
public sealed class KernelTimer(IBackend backend, ArenaPool pool)
{
    private const int MaximumRotation = 16;
    private const int MinimumRuns = 3;
    private const int MaximumRuns = 40;
    private const int PatternBytes = 1 << 18;
    private static readonly TimeSpan Budget = TimeSpan.FromMilliseconds(30);

    // Ordinary numbers between 0.25 and 1: neither zeros nor denormals, which some units run slower or faster. Labels
    // and positions are zero, which is always a legal one.
    private static readonly byte[] Floats = Pattern(DataType.Float32);
    private static readonly byte[] BFloats = Pattern(DataType.BFloat16);
    private static readonly byte[] Zeros = new byte[PatternBytes];

    /// <summary>The median time of one run in microseconds.</summary>
    public double Measure(Kernel kernel, Problem problem)
    {
        long setBytes = SetBytes(kernel, problem);
        int rotation = (int)Math.Clamp(2 * backend.CacheBytes / Math.Max(setBytes, 1) + 1, 1, MaximumRotation);
        Arena arena = pool.Rent(setBytes * rotation, clearBytes: 0);
        LoadedKernel[] copies = new LoadedKernel[rotation];
        try
        {
            for (int i = 0; i < rotation; i++)
                copies[i] = Load(kernel, problem, arena, setBytes * i);
            return Median(copies);
        }
        finally
        {
            foreach (LoadedKernel? copy in copies)
                copy?.Dispose();
            pool.Return(arena);
        }
    }

    private double Median(LoadedKernel[] copies)
    {
        foreach (LoadedKernel copy in copies)
            copy.Prepare();
        copies[0].Run();
        backend.Synchronize();
        List<double> times = [];
        long start = Stopwatch.GetTimestamp();
        while (times.Count < MinimumRuns
            || (times.Count < MaximumRuns && Stopwatch.GetElapsedTime(start) < Budget))
        {
            long begin = Stopwatch.GetTimestamp();
            copies[(times.Count + 1) % copies.Length].Run();
            backend.Synchronize();
            times.Add(Stopwatch.GetElapsedTime(begin).TotalMicroseconds);
        }
        times.Sort();
        return Math.Max(times[times.Count / 2], 0.01);
    }

    private static long SetBytes(Kernel kernel, Problem problem) =>
        problem.Values.Sum(value => Region.Align(value.Bytes))
        + Region.Align(kernel.WorkspaceBytes(problem)) + Region.Align(kernel.PackedBytes(problem));

    private static LoadedKernel Load(Kernel kernel, Problem problem, Arena arena, long offset)
    {
        ImmutableArray<Region>.Builder regions = ImmutableArray.CreateBuilder<Region>(problem.Values.Length);
        Region Next(long bytes)
        {
            Region region = new(offset, bytes);
            offset += Region.Align(bytes);
            return region;
        }

        foreach (Value value in problem.Values)
        {
            Region region = Next(value.Bytes);
            regions.Add(region);
            if (problem.Inputs.Contains(value.Id))
                Fill(arena, region, value.Type);
        }
        Region workspace = Next(kernel.WorkspaceBytes(problem));
        Region packed = Next(kernel.PackedBytes(problem));
        return kernel.Load(problem, new KernelArguments(arena, regions.ToImmutable(), workspace, packed));
    }

    private static void Fill(Arena arena, Region region, DataType type)
    {
        byte[] pattern = type switch
        {
            DataType.Float32 => Floats,
            DataType.BFloat16 => BFloats,
            _ => Zeros,
        };
        for (long done = 0; done < region.Bytes; done += PatternBytes)
        {
            int length = (int)Math.Min(PatternBytes, region.Bytes - done);
            arena.Write(new Region(region.OffsetBytes + done, length), pattern.AsSpan(0, length));
        }
    }

    private static byte[] Pattern(DataType type)
    {
        byte[] bytes = new byte[PatternBytes];
        uint state = 0x9E3779B9;
        if (type == DataType.Float32)
            foreach (ref float x in MemoryMarshal.Cast<byte, float>(bytes.AsSpan()))
                x = 0.25f + (state = state * 1664525 + 1013904223) / (float)uint.MaxValue * 0.75f;
        else
            foreach (ref ushort x in MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan()))
                x = (ushort)(0x3E80 + ((state = state * 1664525 + 1013904223) >> 24));
        return bytes;
    }
}
