using System.Security.Cryptography;
using System.Text;
using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Cuda;
using CudnnResNet.Inference;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cuda;

/// <summary>
/// A second start takes the plan and the engines of the first from disk: it asks no heuristic of cuDNN and measures nothing.
/// </summary>
[Collection("simulated GPU")]
public sealed class KeptPlanTests
{
    private const int Batch = 2;
    private const int Side = 8;
    private const int Steps = 3;

    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 8, Classes = 4, Stem = ResNetStem.Cifar };

    [SimulatorTheory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Fp16)]
    public void ASecondStartNeedsNoTuning(Precision precision)
    {
        using TemporaryFolder folder = new();
        Start first = Run(folder, precision);
        Assert.True(first.Heuristics > 0 && first.Timings > 0 && first.Measurements > 0, "the first start tuned nothing");
        Dictionary<string, byte[]> engines = EnginesIn(folder);
        Assert.True(engines.Count >= 4, $"{engines.Count} engines were kept");

        Start second = Run(folder, precision);
        Assert.Equal((0L, 0L, 0), (second.Heuristics, second.Timings, second.Measurements));
        Assert.Equal(first.Kernels, second.Kernels);
        Assert.Equal(first.Numbers, second.Numbers);
        Assert.Equal(engines, EnginesIn(folder));
    }

    /// <summary>Of another graph, cut short, overwritten, or not to cuDNN's taste: each is asked for anew and kept again.</summary>
    [SimulatorTheory]
    [InlineData("swapped")]
    [InlineData("short")]
    [InlineData("garbage")]
    [InlineData("refused")]
    public void AFileThatIsNoUseIsReplaced(string damage)
    {
        using TemporaryFolder folder = new();
        Start first = Run(folder, Precision.Fp32);
        Dictionary<string, byte[]> engines = EnginesIn(folder);
        string[] names = [.. engines.Keys.Order()];
        for (int i = 0; i < names.Length; i++)
            File.WriteAllBytes(names[i], Damaged(damage, engines[names[i]], engines[names[(i + 1) % names.Length]]));

        Start second = Run(folder, Precision.Fp32);
        Assert.True(second.Heuristics > 0, "no engine was asked for");
        Assert.Equal((0L, 0), (second.Timings, second.Measurements));
        Assert.Equal(first.Kernels, second.Kernels);
        Assert.Equal(first.Numbers, second.Numbers);
        Assert.Equal(engines.Keys.Order(), EnginesIn(folder).Keys.Order());
        Assert.Equal(0, Run(folder, Precision.Fp32).Heuristics);
    }

    private static byte[] Damaged(string damage, byte[] file, byte[] other) => damage switch
    {
        "swapped" => other,
        "short" => file[..(file.Length / 2)],
        "garbage" => [.. file.Select(b => (byte)~b)],
        _ => Refused(Encoding.ASCII.GetString(file, 0, 32)),
    };

    /// <summary>A whole file, with a text that cuDNN has not written.</summary>
    private static byte[] Refused(string key)
    {
        const string Text = "{\"engine\": \"of another library\"}";
        string checksum = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text)))[..32];
        return Encoding.UTF8.GetBytes($"{key} {checksum}\n{Text}");
    }

    private static Dictionary<string, byte[]> EnginesIn(TemporaryFolder folder) =>
        Directory.GetFiles(Path.Combine(folder.Path, "engines")).ToDictionary(path => path, File.ReadAllBytes);

    /// <summary>Some steps and an inference, from process start to end as far as the backend can tell.</summary>
    private static Start Run(TemporaryFolder folder, Precision precision)
    {
        Simulator.Script("reset");
        Simulator.Clear();
        CompilerOptions options = new() { PlanCacheFolder = folder.Path, KeepsPlans = true };
        using CudaBackend backend = new(new CudaOptions { IsDeterministic = true, EngineCacheFolder = Path.Combine(folder.Path, "engines") });
        using TrainingSession training = TrainingSession.Create(Spec, Batch, Side, Side, precision,
            new StepOptions(new SgdOptions(0.9, 1e-4)), backend, options);
        using InferenceSession inference = InferenceSession.Create(Spec, Batch, Side, Side, precision, backend, options);
        // Steps ask events for the device's idle time; only what was timed before them is tuning.
        long timings = Simulator.Query("calls.cuEventElapsedTime");
        NetworkWeights weights = WeightInitialization.Create(training.WeightValues, seed: 7);
        training.LoadWeights(weights);
        inference.LoadWeights(weights);
        double[] images = [.. Enumerable.Range(0, inference.ImageElements).Select(i => Math.Sin(0.37 * i))];
        double[] numbers = new double[Steps + inference.LogitElements];
        inference.WriteImages(images);
        for (int step = 0; step < Steps; step++)
        {
            numbers[step] = training.Step(images, [1, 3], 0.01);
            inference.Run();
        }
        inference.ReadLogits(numbers.AsSpan(Steps));
        Assert.Empty(Simulator.Complaints());
        return new Start(numbers,
            [.. new[] { training.Compiled, inference.Compiled }.SelectMany(plan => plan.Schedule.Segments).Select(segment => segment.Kernel.Name)],
            Simulator.Query("calls.heuristics"), timings,
            training.Compiled.Measurements + inference.Compiled.Measurements);
    }

    /// <summary>What came out, by which kernels, and what was asked and measured for them.</summary>
    private sealed record Start(double[] Numbers, string[] Kernels, long Heuristics, long Timings, int Measurements);
}
