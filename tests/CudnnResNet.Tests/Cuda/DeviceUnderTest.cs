using CudnnResNet.Cuda;

namespace CudnnResNet.Tests.Cuda;

/// <summary>
/// The device that tests run on: the simulated GPU where its folder is named, else whatever is in the machine.
/// </summary>
internal static class DeviceUnderTest
{
    /// <summary>The folder that native/simgpu/build prints.</summary>
    private const string Variable = "RESNET_SIMGPU";

    private static readonly Lazy<CudaProbe> Probed = new(() =>
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder)
            CudaProbe.NativePath = folder;
        return CudaProbe.Run();
    });

    public static CudaProbe Probe => Probed.Value;

    /// <summary>Why nothing can be run; null where a device is there.</summary>
    public static string? Refusal => Probe.Refusal is { } refusal
        ? $"{refusal} Without a GPU, set {Variable} to the folder that native/simgpu/build prints."
        : null;

    public static CudaBackend Create(bool allowTf32 = false, bool recordsGraphs = true) =>
        new(new CudaOptions { IsDeterministic = true, AllowTf32 = allowTf32, RecordsGraphs = recordsGraphs });
}

/// <summary>A fact about a CUDA device, real or simulated; skipped, and saying why, where there is none.</summary>
public sealed class CudaFactAttribute : FactAttribute
{
    public CudaFactAttribute() => Skip = DeviceUnderTest.Refusal;
}

/// <summary>A theory about a CUDA device, real or simulated; skipped, and saying why, where there is none.</summary>
public sealed class CudaTheoryAttribute : TheoryAttribute
{
    public CudaTheoryAttribute() => Skip = DeviceUnderTest.Refusal;
}

/// <summary>A fact that needs a driver with a device, and none of the libraries above it.</summary>
public sealed class DriverFactAttribute : FactAttribute
{
    public DriverFactAttribute() => Skip = DeviceUnderTest.Probe.Devices.IsEmpty ? DeviceUnderTest.Refusal : null;
}
