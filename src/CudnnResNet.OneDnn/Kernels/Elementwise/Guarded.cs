using CudnnResNet.Kernels;

namespace CudnnResNet.OneDnn.Kernels.Elementwise;

/// <summary>A kernel that runs unless a flag is raised.</summary>
internal sealed unsafe class Guarded(LoadedKernel inner, float* overflow) : LoadedKernel
{
    public override void Run()
    {
        if (*overflow == 0)
            inner.Run();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }
}
