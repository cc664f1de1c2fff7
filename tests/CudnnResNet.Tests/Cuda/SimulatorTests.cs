using System.Diagnostics;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Tests.Cuda;

/// <summary>The simulated GPU itself: its own tests, and that what it answers reaches the runtime.</summary>
[Collection("simulated GPU")]
public sealed class SimulatorTests
{
    /// <summary>Arithmetic against plain loops in double, order of streams, capture, bounds and faults, in C++.</summary>
    [SimulatorFact]
    public void ItsOwnTestsPass()
    {
        using Process process = Process.Start(new ProcessStartInfo(Path.Combine(Simulator.Folder!, "simgpu_tests"))
        {
            RedirectStandardOutput = true,
        })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, output);
        Assert.Contains(", 0 failed checks", output, StringComparison.Ordinal);
    }

    [SimulatorFact]
    public void AnInjectedStatusReachesTheCaller()
    {
        Simulator.Script("reset; fail cuMemHostAlloc 1 2");
        try
        {
            using CudaDevice device = CudaDevice.Open(0);
            Exception error = Assert.ThrowsAny<Exception>(() =>
            {
                using PinnedStaging staging = new(device);
                using CudaArena arena = new(64, device, staging);
                arena.Write(new CudnnResNet.Kernels.Region(0, 64), new byte[64]);
            });
            Assert.Contains("cuMemHostAlloc", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            Simulator.Script("reset");
        }
        Assert.Equal("", Simulator.Live());
    }

    /// <summary>A device that is not there is an answer, not a crash.</summary>
    [SimulatorFact]
    public void ALostContextIsAnErrorAndTheNextOneWorks()
    {
        Simulator.Script("reset; kernel-fault 1 719");
        try
        {
            CudaDevice device = CudaDevice.Open(0);
            PinnedStaging staging = new(device);
            CudaDriverException error = Assert.Throws<CudaDriverException>(() =>
            {
                using CudaArena arena = new(64, device, staging);
                device.Synchronize();
            });
            Assert.Equal(CUresult.CUDA_ERROR_LAUNCH_FAILED, error.Status);
            Record.Exception(staging.Dispose);
            Record.Exception(device.Dispose);
        }
        finally
        {
            Simulator.Script("reset");
        }
        Assert.Equal("", Simulator.Live());
        using CudaDevice again = CudaDevice.Open(0);
        again.Synchronize();
    }
}
