using CudnnResNet.Kernels;

namespace CudnnResNet.OneDnn.Kernels;

/// <summary>Steps that run one after the other, and perhaps one that runs once when constant weights are there.</summary>
internal sealed class LoadedSequence(LoadedKernel? preparation, params ReadOnlySpan<LoadedKernel?> steps) : LoadedKernel
{
    private readonly LoadedKernel[] _steps = WithoutNulls(steps);

    public override void Prepare()
    {
        preparation?.Run();
        foreach (LoadedKernel step in _steps)
            step.Prepare();
    }

    public override void Run()
    {
        foreach (LoadedKernel step in _steps)
            step.Run();
    }

    protected override void Dispose(bool disposing)
    {
        preparation?.Dispose();
        foreach (LoadedKernel step in _steps)
            step.Dispose();
        base.Dispose(disposing);
    }

    private static LoadedKernel[] WithoutNulls(ReadOnlySpan<LoadedKernel?> steps)
    {
        List<LoadedKernel> present = [];
        foreach (LoadedKernel? step in steps)
            if (step is not null)
                present.Add(step);
        return [.. present];
    }
}
