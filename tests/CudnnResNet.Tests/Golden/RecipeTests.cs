using System.Text.Json;
using CudnnResNet.Tests.Cli;
using CudnnResNet.Tests.OneDnn;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Golden;

/// <summary>
/// Every option of the recipe by its flag, from files to log and checkpoint, against PyTorch's run with the same option.
/// In double 9 steps agree to 1e-9: rounding grows by less than 1e5 over them in PyTorch's own float32 runs, which takes
/// double's 1e-16 to 1e-11. In float32 losses and norms may be off by five times what PyTorch itself errs, and by 1e-4
/// where that is more (docs/numerics.md).
/// </summary>
public class RecipeTests
{
    private const double InDouble = 1e-9;

    [Theory]
    [MemberData(nameof(RecipeRun.All), MemberType = typeof(RecipeRun))]
    public void ReferenceInDouble(string name)
    {
        using TemporaryFolder folder = new();
        RecipeRun run = RecipeRun.Load(name);
        _ = CliRun.Success([.. run.Arguments(folder), "--precision", "fp64", .. CliRun.OnReference]);
        AssertLog(folder, run, InDouble);
        TensorFile last = Safetensors.Read(folder.File("out/last.safetensors"));
        AssertTensors(last, "", run.Float64.Final);
        if (run.Float64.Average is { } average)
            AssertTensors(last, NetworkWeights.AveragePrefix, average);
    }

    [OneDnnTheory]
    [MemberData(nameof(RecipeRun.All), MemberType = typeof(RecipeRun))]
    public void OneDnnInFloat32(string name)
    {
        using TemporaryFolder folder = new();
        RecipeRun run = RecipeRun.Load(name);
        _ = CliRun.Success([.. run.Arguments(folder), "--precision", "fp32", "--device", "onednn", "--threads", "2",
            "--deterministic", "--plan-cache", "none"]);
        AssertLog(folder, run, Math.Max(1e-4, 5 * run.Float32.Losses));
        TensorFile last = Safetensors.Read(folder.File("out/last.safetensors"));
        double bound = Math.Max(1e-4, 5 * run.Float32.Norms);
        foreach ((string parameter, double[] triple) in run.Float64.Final)
            AssertClose(triple[0], GoldenNetwork.Norm(last.TryGet(parameter)!.ToDoubles()), bound * triple[0], parameter);
        foreach ((string parameter, double[] triple) in run.Float64.Average ?? [])
            AssertClose(triple[0], GoldenNetwork.Norm(last.TryGet(NetworkWeights.AveragePrefix + parameter)!.ToDoubles()),
                bound * triple[0], $"average of {parameter}");
    }

    private static void AssertLog(TemporaryFolder folder, RecipeRun run, double bound)
    {
        List<JsonElement> log = TrainCommandTests.ReadLog(folder.File("run.jsonl"));
        Assert.Equal(run.Float64.Steps.Length, log.Count);
        for (int i = 0; i < log.Count; i++)
        {
            RecipeStep expected = run.Float64.Steps[i];
            Assert.Equal(expected.Lr, log[i].GetProperty("lr").GetDouble(), 1e-15);
            AssertClose(expected.Loss, log[i].GetProperty("loss").GetDouble(), bound * expected.Loss, $"loss of step {i + 1}");
        }
    }

    private static void AssertTensors(TensorFile file, string prefix, Dictionary<string, double[]> expected)
    {
        foreach ((string name, double[] triple) in expected)
        {
            double[] actual = file.TryGet(prefix + name)!.ToDoubles();
            double rms = triple[0] / Math.Sqrt(actual.Length);
            AssertClose(triple[0], GoldenNetwork.Norm(actual), InDouble * triple[0], $"norm of {name}");
            AssertClose(triple[1], actual[0], InDouble * rms, $"first of {name}");
            AssertClose(triple[2], actual[^1], InDouble * rms, $"last of {name}");
        }
    }

    private static void AssertClose(double expected, double actual, double allowed, string what) =>
        Assert.True(Math.Abs(actual - expected) <= allowed, $"{what}: {actual:R} instead of {expected:R}, more than {allowed:g2} off");
}
