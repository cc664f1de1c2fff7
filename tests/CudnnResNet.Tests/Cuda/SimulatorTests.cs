using System.Diagnostics;

namespace CudnnResNet.Tests.Cuda;

/// <summary>The simulated GPU itself, by its own tests.</summary>
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
}
