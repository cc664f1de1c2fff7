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
