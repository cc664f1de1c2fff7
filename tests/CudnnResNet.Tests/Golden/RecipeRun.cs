using System.Text.Json;
using CudnnResNet.Graph;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Cli;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Golden;

/// <summary>
/// A short run with one option of the recipe, recorded by PyTorch (make_recipes.py): resnet18 v1.5 of width 8 with the
/// cifar stem, 48 images of 3x16x16 that float32 holds exactly, batches of 8 in order, 9 steps.
/// </summary>
/// <param name="Flags">Those of <c>resnet train</c> that should do the same.</param>
/// <param name="ZeroGammas">The run begins with the last gamma of each branch at zero.</param>
/// <param name="Float64">The truth.</param>
/// <param name="Float32">What float32 costs PyTorch.</param>
public sealed record RecipeRun(string[] Flags, bool ZeroGammas, RecipeResult Float64, RecipeDeviation Float32)
{
    private const int Images = 48;
    private const int ImageSize = 16;
    private const int Classes = 10;
    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 8, Stem = ResNetStem.Cifar, Classes = Classes };

    private static readonly JsonDocument File = JsonDocument.Parse(
        System.IO.File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "recipes.json")));

    /// <summary>The runs by name, for xunit theories.</summary>
    public static TheoryData<string> All => [.. File.RootElement.GetProperty("runs").EnumerateObject().Select(run => run.Name)];

    public static RecipeRun Load(string name) =>
        File.RootElement.GetProperty("runs").GetProperty(name).Deserialize<RecipeRun>(JsonSerializerOptions.Web)!;

    /// <summary>The learning rates of a PyTorch schedule, step by step.</summary>
    public static double[] Schedule(string name) =>
        File.RootElement.GetProperty("schedules").GetProperty(name).Deserialize<double[]>()!;

    /// <summary>The gammas of the last batch norms of all branches, by PyTorch's module structure.</summary>
    public static string[] LastGammas(int depth) =>
        File.RootElement.GetProperty("lastGammas").GetProperty($"{depth}").Deserialize<string[]>()!;

    /// <summary>Writes data and initial weights; returns the arguments that train with this recipe into <c>out</c>.</summary>
    internal string[] Arguments(TemporaryFolder folder)
    {
        LayerGraph graph = ResNetGraph.Inference(Spec, 2, ImageSize, ImageSize, Precision.Fp64);
        string[] zero = ZeroGammas ? LastGammas(Spec.Depth) : [];
        Safetensors.Write(folder.File("init.safetensors"),
            [.. graph.Values.Where(value => value.Role is ValueRole.Parameter or ValueRole.State).Select(value =>
            {
                long[] shape = [.. NetworkWeights.FileShape(value.Shape)];
                return NamedTensor.FromDoubles(value.Name, shape, zero.Contains(value.Name)
                    ? new double[value.Shape.Elements]
                    : GoldenFill.Parameter(value.Name, shape, "", Spec.Depth, "v1.5"));
            })]);
        NpyFiles.WriteImages(folder, "images.npy", [Images, 3, ImageSize, ImageSize],
            GoldenFill.Input("", (long)Images * 3 * ImageSize * ImageSize));
        NpyFiles.WriteLabels(folder, [.. Enumerable.Range(0, Images).Select(n => (37L * n + 11) % Classes)]);
        string[] common =
        [
            "train", "--data", $"npy:{folder.Path}", "--test-data", "none", "--init", folder.File("init.safetensors"),
            "--model", "resnet18", "--width", $"{Spec.Width}", "--stem", "cifar", "--classes", $"{Classes}",
            "--batch", "8", "--steps", $"{Float64.Steps.Length}", "--momentum", "0.9", "--weight-decay", "0.0005",
            "--no-shuffle", "--augment", "none", "--normalize", "none",
            "--out", folder.File("out"), "--log", folder.File("run.jsonl"),
        ];
        string[] rate = Flags.Contains("linear") ? [] : ["--lr", "0.05"];
        string[] schedule = Flags.Contains("--schedule") ? [] : ["--schedule", "constant"];
        string[] smoothing = Flags.Contains("--label-smoothing") ? [] : ["--label-smoothing", "0.1"];
        return [.. common, .. rate, .. schedule, .. smoothing, .. Flags];
    }
}

/// <param name="Steps">One entry a step.</param>
/// <param name="Final">[norm, first, last] of every parameter and running statistic after the last step, by name.</param>
/// <param name="Average">The same of their moving averages; null without them.</param>
public sealed record RecipeResult(
    RecipeStep[] Steps, Dictionary<string, double[]> Final, Dictionary<string, double[]>? Average);

/// <param name="Lr">The learning rate of the step.</param>
/// <param name="Loss">The mean over the step's batches, before the update.</param>
public sealed record RecipeStep(double Lr, double Loss);

/// <param name="Losses">The largest relative deviation of a loss in PyTorch's float32 runs.</param>
/// <param name="Norms">The largest relative deviation of a tensor's norm after them.</param>
public sealed record RecipeDeviation(double Losses, double Norms);
