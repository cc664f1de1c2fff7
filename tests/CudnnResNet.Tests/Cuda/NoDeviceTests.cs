using CudnnResNet.Cuda;
using CudnnResNet.Tests.Cli;

namespace CudnnResNet.Tests.Cuda;

/// <summary>A driver without a usable device is a reason in one line, from the probe, from doctor and from every command.</summary>
[Collection("simulated GPU")]
public sealed class NoDeviceTests : IDisposable
{
    public void Dispose()
    {
        if (Simulator.Folder is not null)
            Simulator.Script("reset");
    }

    [SimulatorTheory]
    [InlineData("devices 0", "NVIDIA's driver finds no GPU on this machine; check nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device onednn.")]
    [InlineData("fail cuInit * 34", " is the toolkit's stub and not a driver; ")]
    [InlineData("fail cuInit * 803", "libcuda and the kernel's driver differ; reboot after a driver update")]
    [InlineData("compute-capability 61", "has compute capability 6.1; 7.5 is the oldest supported. Use --device onednn.")]
    public void IsSaidInOneLine(string script, string words)
    {
        // Loaded and asked before, as by a program that runs for long.
        Assert.True(CudaProbe.Run().IsAvailable);
        Simulator.Script(script);
        string refusal = CudaProbe.Run().Refusal!;
        Assert.Contains(words, refusal, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal);
        Assert.Equal(refusal, Assert.Throws<ResNetException>(() => DeviceUnderTest.Create()).Message);
        Assert.Equal(refusal, CliRun.Refusal("train", "--data", "fashion-mnist-subset", "--device", "cuda"));
        Assert.Contains(refusal, CliRun.Of("doctor").Output, StringComparison.Ordinal);
        Assert.Equal("", Simulator.Live());
    }

    [SimulatorFact]
    public void ADeviceThatIsNotListedIsNamed()
    {
        ResNetException error = Assert.Throws<ResNetException>(() => new CudaBackend(new CudaOptions { Ordinal = 3 }));
        Assert.Matches("^There is no device cuda:3; the driver lists 1: cuda:0 simulated GPU", error.Message);
    }

    /// <summary>What the backend does without is named, with its version or with what to do.</summary>
    [SimulatorFact]
    public void DoctorNamesWhatIsOptional()
    {
        string text = CliRun.Of("doctor").Output;
        Assert.Matches(@"nvJPEG \(decodes JPEG files on the GPU, else the CPU does\): 12\.3\.3", text);
        Assert.Matches(@"NPP \(scales training images .*\): found", text);
    }

    /// <summary>Nobody may take its times for those of a GPU.</summary>
    [SimulatorFact]
    public void DoctorCallsItSimulated() => Assert.Contains("simulated GPU (runs on the CPU)", CliRun.Of("doctor").Output, StringComparison.Ordinal);
}
