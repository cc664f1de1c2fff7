using CudnnResNet.Cli;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Cuda;
using CudnnResNet.OneDnn;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Cli;

/// <summary>What --device auto stands for on machines that are described here.</summary>
public class DeviceChoiceTests
{
    [Theory]
    [InlineData(90, "NVIDIA H200", Precision.Bf16, true, "cuda")]
    [InlineData(75, "Tesla T4", Precision.Fp32, true, "cuda")]
    [InlineData(75, "Tesla T4", Precision.Fp16, true, "cuda")]
    [InlineData(75, "Tesla T4", Precision.Bf16, true, "onednn")]
    [InlineData(90, "NVIDIA H200", Precision.Fp64, true, "reference")]
    [InlineData(90, "simulated GPU", Precision.Fp32, true, "onednn")]
    [InlineData(null, "", Precision.Fp32, true, "onednn")]
    [InlineData(null, "", Precision.Fp32, false, "reference")]
    public void TheFastestThatHasThePrecisionIsTaken(int? architecture, string gpu, Precision precision, bool hasOneDnn, string expected)
    {
        CudaProbe cuda = architecture is { } known
            ? new CudaProbe(null, [new CudaDeviceDescription(0, gpu, known, 1L << 34)], null, [])
            : new CudaProbe("no driver", [], null, []);
        OneDnnProbe oneDnn = hasOneDnn ? new OneDnnProbe(null, "3.6.0", "avx512_core", []) : new OneDnnProbe("no oneDNN", null, null, []);
        using StringWriter error = new();
        DeviceKind kind = Devices.Fastest(precision, cuda, oneDnn, new Terminal(TextWriter.Null, error, IsInteractive: false));
        Assert.Equal(expected, kind.ToString().ToLowerInvariant());
        Assert.Equal(!hasOneDnn, error.ToString().Contains("no oneDNN", StringComparison.Ordinal));
    }
}
