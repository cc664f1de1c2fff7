using System.Diagnostics;
using CudnnResNet.Tests.Cli;

namespace CudnnResNet.Tests.Cuda;

/// <summary>
/// NVIDIA's own driver library on a machine without a GPU, as tools/fetch-libcuda.sh leaves it in a cache folder. Each run
/// is a process of its own: this one may have loaded the simulated driver.
/// </summary>
public sealed class RealDriverTests
{
    private const string Reason = "NVIDIA's driver finds no GPU on this machine; check nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device onednn.";

    [RealDriverFact]
    public void WithoutAGpuItSaysSoInOneLine()
    {
        (int exit, string output, string error) = Run("train", "--data", "fashion-mnist-subset", "--device", "cuda");
        Assert.Equal((2, "", $"error: {Reason}"), (exit, output, error));
    }

    [RealDriverFact]
    public void NothingElseChanges()
    {
        (int exit, string output, string error) = Run("bench", "infer", "--model", "resnet18", "--stem", "cifar", "--width", "4",
            "--image-size", "8", "--batch", "1", "--seconds", "0", "--warmup", "0", "--plan-cache", "none", "--json");
        Assert.True(exit == 0, error);
        Assert.Matches("\"device\":\"(onednn|reference)\"", output);
        (exit, output, error) = Run("doctor");
        Assert.True(exit == 0, error);
        Assert.Contains(Reason, output, StringComparison.Ordinal);
    }

    private static (int Exit, string Output, string Error) Run(params string[] arguments)
    {
        using Process process = TrainingProcess.Start([.. arguments, "--native-path", RealDriver.Folder]);
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        return (TrainingProcess.Exit(process), output.TrimEnd(), error.Result.TrimEnd());
    }
}

internal static class RealDriver
{
    public static string Folder { get; } = Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } named ? named
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
        "cudnnresnet", "libcuda");

    public static string? Refusal =>
        Directory.Exists("/proc/driver/nvidia") ? "NVIDIA's kernel driver is loaded here: the library would find a GPU."
        : !File.Exists(Path.Combine(Folder, "libcuda.so.1"))
            ? "There is no libcuda of NVIDIA's here: ./test fetches one where it can (tools/fetch-libcuda.sh)."
        : null;
}

/// <summary>A fact about NVIDIA's driver library without a GPU; skipped, and saying why, where there is none.</summary>
public sealed class RealDriverFactAttribute : FactAttribute
{
    public RealDriverFactAttribute() => Skip = RealDriver.Refusal;
}
