using CudnnResNet.OneDnn;

namespace CudnnResNet.Tests.OneDnn;

/// <summary>A test that needs libdnnl; skipped with the probe's reason where it is missing.</summary>
internal sealed class OneDnnFactAttribute : FactAttribute
{
    public OneDnnFactAttribute() => Skip = OneDnnBackend.Probe().Refusal;
}

/// <inheritdoc cref="OneDnnFactAttribute"/>
internal sealed class OneDnnTheoryAttribute : TheoryAttribute
{
    public OneDnnTheoryAttribute() => Skip = OneDnnBackend.Probe().Refusal;
}

/// <summary>A test that needs this project's own CPU kernels; skipped with the probe's reason where they are missing.</summary>
internal sealed class CpuKernelsFactAttribute : FactAttribute
{
    public CpuKernelsFactAttribute() => Skip = OneDnnBackend.Probe().Refusal ?? CpuKernelsProbe.Run().Refusal;
}

/// <inheritdoc cref="CpuKernelsFactAttribute"/>
internal sealed class CpuKernelsTheoryAttribute : TheoryAttribute
{
    public CpuKernelsTheoryAttribute() => Skip = OneDnnBackend.Probe().Refusal ?? CpuKernelsProbe.Run().Refusal;
}
