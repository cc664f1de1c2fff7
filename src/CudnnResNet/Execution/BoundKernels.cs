using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Memory;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Execution;

/// <summary>The loaded kernels of a plan for one set of inputs, and their recording.</summary>
internal sealed class BoundKernels : IDisposable
{
    private readonly LoadedKernel[] _kernels;
    private readonly List<LoadedKernel> _owned;
    private LoadedKernel? _recording;
    private bool _isRecorded;

    private BoundKernels(LoadedKernel[] kernels, List<LoadedKernel> owned) => (_kernels, _owned) = (kernels, owned);

    public ReadOnlySpan<LoadedKernel> Kernels => _kernels;

    /// <summary>Every kernel has run, so that a recording is possible.</summary>
    public bool HasRun { get; set; }

    /// <param name="compiled">What to load.</param>
    /// <param name="memory">Of this plan in the arena, which others may share.</param>
    /// <param name="arena">Where everything lies.</param>
    /// <param name="regions">Of each value.</param>
    /// <param name="others">Whose inputs lie elsewhere: kernels that read no input are shared with it. Null shares none.</param>
    public static BoundKernels Load(
        CompiledGraph compiled, MemoryPlan memory, Arena arena, Region[] regions, BoundKernels? others = null)
    {
        LoadedKernel[] kernels = new LoadedKernel[compiled.Schedule.Segments.Length];
        List<LoadedKernel> owned = [];
        try
        {
            int end;
            for (int step = 0; step < kernels.Length; step = end)
            {
                end = SegmentGroups.EndOf(compiled.Schedule.Segments, step);
                if (others is not null && !Enumerable.Range(step, end - step).Any(ReadsInput))
                {
                    Array.Copy(others._kernels, step, kernels, step, end - step);
                    continue;
                }
                if (end == step + 1)
                {
                    Segment segment = compiled.Schedule.Segments[step];
                    kernels[step] = segment.Kernel.Load(segment.Problem, ArgumentsOf(step));
                }
                else
                    SegmentGroups.Load(compiled.Schedule.Segments, step, end, ArgumentsOf, kernels);
                owned.AddRange(kernels[step..end]);
            }
        }
        catch
        {
            foreach (LoadedKernel kernel in owned)
                kernel.Dispose();
            throw;
        }
        return new BoundKernels(kernels, owned);

        bool ReadsInput(int step) => compiled.Schedule.Segments[step].Bound.GraphValues
            .Any(id => compiled.Graph[id].Role == ValueRole.Input);

        KernelArguments ArgumentsOf(int step) => new(arena,
            [.. compiled.Schedule.Segments[step].Bound.GraphValues.Select(id => regions[id.Index])],
            memory.InArena(memory.Workspace[step]), memory.Packed[step]);
    }

    /// <summary>The first run calls the kernels one by one; from the second on a recording is replayed, where the backend makes one.</summary>
    public void Run(IBackend backend)
    {
        if (HasRun && !_isRecorded)
        {
            _recording = backend.Record(_kernels);
            _isRecorded = true;
        }
        if (_recording is { } recording)
            recording.Run();
        else
            foreach (LoadedKernel kernel in _kernels)
                kernel.Run();
        HasRun = true;
    }

    public void Dispose()
    {
        _recording?.Dispose();
        foreach (LoadedKernel kernel in _owned)
            kernel.Dispose();
    }
}
