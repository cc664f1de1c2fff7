using CudnnResNet.Kernels;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>A kernel that packs its filter before it multiplies: once where the filter is constant, else in every run.</summary>
internal abstract class LoadedWithFilter(bool isPackedOnce) : LoadedKernel
{
    public sealed override void Prepare()
    {
        if (isPackedOnce)
            Pack();
    }

    public sealed override void Run()
    {
        if (!isPackedOnce)
            Pack();
        Multiply();
    }

    protected abstract void Pack();

    protected abstract void Multiply();
}
