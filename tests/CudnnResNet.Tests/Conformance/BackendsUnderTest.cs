using CudnnResNet.Kernels;
using CudnnResNet.OneDnn;
using CudnnResNet.Reference;
using CudnnResNet.Tests.Cuda;

namespace CudnnResNet.Tests.Conformance;

/// <summary>A backend of this machine, or the reason why it is not there.</summary>
/// <param name="Refusal">Null where the backend can be created.</param>
/// <param name="Create">Makes a backend of the given number of threads.</param>
internal sealed record BackendUnderTest(string? Refusal, Func<int, IBackend> Create);

/// <summary>All backends, by name. A new one is one line here and one class beside <see cref="ReferenceConformance"/>.</summary>
internal static class BackendsUnderTest
{
    private static readonly Dictionary<string, BackendUnderTest> All = new()
    {
        ["reference"] = new(null, threads => new ReferenceBackend(threads)),
        ["cuda"] = new(DeviceUnderTest.Refusal, _ => DeviceUnderTest.Create()),
        ["onednn"] = new(OneDnnBackend.Probe().Refusal, threads => new OneDnnBackend(threads)),
    };

    public static BackendUnderTest Named(string name) => All[name];
}

/// <summary>A theory that is skipped, with the probe's reason, where its backend is missing.</summary>
public sealed class BackendTheoryAttribute : TheoryAttribute
{
    public BackendTheoryAttribute(string backend) => Skip = BackendsUnderTest.Named(backend).Refusal;
}

/// <summary>A fact that is skipped, with the probe's reason, where its backend is missing.</summary>
public sealed class BackendFactAttribute : FactAttribute
{
    public BackendFactAttribute(string backend) => Skip = BackendsUnderTest.Named(backend).Refusal;
}
