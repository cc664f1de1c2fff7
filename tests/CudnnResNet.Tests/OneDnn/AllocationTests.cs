using System.Collections.Immutable;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn;
using CudnnResNet.OneDnn.Primitives;
using CudnnResNet.Tests.Conformance;

namespace CudnnResNet.Tests.OneDnn;

/// <summary>After its first run, no kernel allocates: neither on the caller's thread nor on the team's, nor an arena.</summary>
public sealed class AllocationTests
{
    private const int Attempts = 100;

    [OneDnnFact]
    public void RunningAllocatesNothing()
    {
        using OneDnnBackend backend = new(2);
        HashSet<string> seen = [];
        foreach (Problem problem in ProblemFiles.Problems)
            foreach (Kernel kernel in backend.Kernels)
                if (kernel.Check(problem).IsSupported && seen.Add($"{kernel.Name} {string.Join(' ', problem.Operations)} {problem.Values[0].Type}"))
                    RequireNone(backend, kernel, problem);
        // oneDNN 3 has no Winograd convolution for this processor family.
        bool hasWinograd = OneDnnVersion.Loaded is OneDnn2;
        foreach (Kernel kernel in backend.Kernels.Where(k => hasWinograd || !k.Name.Contains("winograd", StringComparison.Ordinal)))
            Assert.Contains(seen, key => key.StartsWith(kernel.Name + ' ', StringComparison.Ordinal));
    }

    private static void RequireNone(OneDnnBackend backend, Kernel kernel, Problem problem)
    {
        long end = 0;
        Region Reserve(long bytes)
        {
            Region region = new(end, bytes);
            end += Region.Align(bytes);
            return region;
        }

        ImmutableArray<Region> values = [.. problem.Values.Select(value => Reserve(value.Bytes))];
        KernelArguments arguments = new(null!, values, Reserve(kernel.WorkspaceBytes(problem)), Reserve(kernel.PackedBytes(problem)));
        using Arena arena = backend.Allocate(end);
        using LoadedKernel loaded = kernel.Load(problem, arguments with { Arena = arena });
        loaded.Prepare();
        loaded.Run();
        long arenaBytes = backend.AllocatedBytes;

        long ownBefore = GC.GetAllocatedBytesForCurrentThread();
        loaded.Run();
        Assert.Equal(ownBefore, GC.GetAllocatedBytesForCurrentThread());

        // The test runner's own threads may allocate meanwhile; a kernel that does so allocates in every attempt.
        long fewest = long.MaxValue;
        for (int attempt = 0; attempt < Attempts && fewest > 0; attempt++)
        {
            if (attempt > 0)
                Thread.Sleep(1);
            long before = GC.GetTotalAllocatedBytes(precise: true);
            loaded.Run();
            fewest = Math.Min(fewest, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        Assert.True(fewest == 0, $"'{kernel.Name}' on '{problem}' allocates {fewest} bytes in a run.");
        Assert.Equal(arenaBytes, backend.AllocatedBytes);
    }
}
