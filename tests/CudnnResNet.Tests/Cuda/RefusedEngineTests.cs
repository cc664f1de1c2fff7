using CudnnResNet.Cuda;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Training;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Cuda;

/// <summary>
/// Engines that cuDNN offers, finalizes and refuses to execute, where nothing is measured and the first entry of the catalog is
/// taken: a run takes another way, and gives the bits of one on a cuDNN that never had these engines.
/// </summary>
[Collection("simulated GPU")]
public sealed class RefusedEngineTests : IDisposable
{
    private const int NotSupported = 3000;

    public void Dispose()
    {
        if (Simulator.Folder is not null)
            Simulator.Script("reset");
    }

    /// <summary>The engines of exact patterns are alone with their graphs here: with them go whole kernels, and the plan is another.</summary>
    /// <param name="engines">As native/simgpu/cudnn/engines.cpp numbers them.</param>
    [SimulatorTheory]
    [InlineData("30")]
    [InlineData("31")]
    [InlineData("32")]
    [InlineData("30 31 32")]
    public void TheRunIsThatOfACudnnWithoutThem(string engines)
    {
        RunTrace expected = Run($"{Others}; {Each("without", engines)}"), never = Run(Others);
        Assert.NotEqual(never.Plan, expected.Plan);
        RunTrace refused = Run($"{Others}; {Each("refuse", engines)}");
        SmallTraining.AssertSame(expected, refused);
        Assert.Equal(expected.Plan, refused.Plan);
        Assert.True(_refusals.Count >= 2, $"{_refusals.Count} refusals");
        Assert.All(_refusals, refusal => Assert.Contains("cudnnBackendExecute", refusal, StringComparison.Ordinal));
    }

    /// <summary>
    /// Two engines for a graph: the kernel of the first rank tries both, that of the second the other one again, and then shorter
    /// chains are next. Where plain convolutions run on either engine, they go to own kernels, which sum in another order.
    /// </summary>
    [SimulatorFact]
    public void RanksRefuseInARow()
    {
        const string Two = "without 20; without 21", Either = "22 30";
        RunTrace expected = Run($"{Two}; {Each("without", Either)}");
        RunTrace refused = Run($"{Two}; {Each("refuse", Either)}");
        Assert.Contains(_refusals.Where(refusal => refusal.Contains("(eng30)", StringComparison.Ordinal)).GroupBy(refusal => refusal), group => group.Count() >= 2);
        Assert.Equal(expected.Steps.Select(step => step.Loss), refused.Steps.Select(step => step.Loss), (a, b) => Math.Abs(a - b) <= 0.05 * a);
    }

    /// <summary>Generic fusions, which would take the graphs of the exact patterns.</summary>
    private const string Others = "without 20; without 21; without 22";

    private IReadOnlyList<string> _refusals = [];

    private static string Each(string verb, string engines) => string.Join("; ", engines.Split(' ')
        .Select(engine => verb == "refuse" ? $"refuse {engine} {NotSupported}" : $"{verb} {engine}"));

    private RunTrace Run(string script)
    {
        Simulator.Script("reset; " + script);
        Simulator.Clear();
        RunTrace trace;
        using (CudaBackend backend = DeviceUnderTest.Create())
        {
            trace = SmallTraining.Run(SmallTraining.Options(null, Precision.Fp16), backend, GoldenNetwork.Untuned, stopAfter: 4);
            Assert.Null(backend.RecordingRefusal);
            _refusals = [.. backend.EngineRefusals];
        }
        Assert.Equal("", Simulator.Live());
        return trace;
    }

    /// <summary>The norms of the calls before graphs, which update running statistics in place.</summary>
    [SimulatorFact]
    public void ClassicNormsMayRefuseToo()
    {
        Simulator.Script("reset");
        TrainingOptions options = SmallTraining.Options(null, Precision.Fp16);
        RunTrace expected = Run(withNorm: false);
        RunTrace never = Run(withNorm: true);
        Assert.NotEqual(expected.Plan, never.Plan);
        Simulator.Script($"fail cudnnBatchNormalizationForwardTrainingEx * {NotSupported}");
        RunTrace refused = Run(withNorm: true);
        SmallTraining.AssertSame(expected, refused);
        Assert.Equal(expected.Plan, refused.Plan);

        RunTrace Run(bool withNorm)
        {
            using CudaBackend backend = DeviceUnderTest.Create();
            PreferringBackend classic = new(backend, IsClassic);
            return SmallTraining.Run(options, new ChainFilter(classic, (kernel, _) => withNorm && IsClassic(kernel.Name), withNorm ? null : IsClassicNorm),
                GoldenNetwork.Untuned, stopAfter: 4);
        }

        static bool IsClassic(string name) => name.Contains("classic", StringComparison.Ordinal);

        static bool IsClassicNorm(string name) => name == "cudnn_classic_norm_fwd";
    }
}
