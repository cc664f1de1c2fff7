using CudnnResNet.Compilation;
using CudnnResNet.Cuda;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Cuda;

/// <summary>A second start takes its plan and its engines from disk; damage there costs a new choice and nothing else.</summary>
[Collection("simulated GPU")]
public sealed class KeptPlanTests
{
    private const string Finalizations = "calls.cudnnBackendFinalize";

    [SimulatorFact]
    public void ASecondStartAsksForNoAlternatives()
    {
        using TemporaryFolder folder = new();
        (float[] expected, int measured, long first) = Start(folder.Path);
        Assert.True(measured > 0);
        string[] engines = Directory.GetFiles(Path.Combine(folder.Path, "engines"));
        Assert.Single(engines);

        (float[] again, int measuredAgain, long second) = Start(folder.Path);
        Assert.Equal(0, measuredAgain);
        Assert.Equal(expected, again);
        Assert.True(4 * second < first, $"{second} finalizations, {first} the first time");

        File.WriteAllText(engines[0], "{}");
        Assert.Equal(expected, Start(folder.Path).Y);
        foreach (string plan in Directory.GetFiles(folder.Path, "*.plan"))
            File.WriteAllText(plan, "plan 1\nanother graph\n\n");
        Assert.Equal(expected, Start(folder.Path).Y);
    }

    /// <summary>3 x 3, and no 16-bit cast: an engine of cuDNN is the only kind of candidate.</summary>
    private static (float[] Y, int Measurements, long Finalizations) Start(string folder)
    {
        GraphBuilder builder = new();
        ConvolutionGeometry geometry = new(6, 6, 8, 16, 3, 3, 1, 1);
        ValueId x = builder.Declare("x", TensorShape.Nhwc(2, 6, 6, 8), DataType.Float32, ValueRole.Input);
        ValueId w = builder.Declare("w", TensorShape.Krsc(16, 3, 3, 8), DataType.Float32, ValueRole.Parameter);
        ValueId y = builder.Apply(new ConvolutionForward(geometry), [x, w], "conv", "y")[0];
        builder.MarkOutput(builder.Apply(new Relu(), [y], "conv", "z")[0]);
        LayerGraph graph = builder.ToGraph();

        long before = Simulator.Query(Finalizations);
        using CudaBackend backend = new(new CudaOptions { EngineCacheFolder = Path.Combine(folder, "engines") });
        CompiledGraph compiled = Compiler.Compile(graph, backend,
            new CompilerOptions { PlanCacheFolder = folder, KeepsPlans = true, ConstantWeights = true });
        using ExecutionPlan plan = ExecutionPlan.Load(compiled, backend);
        float[] images = [.. Enumerable.Range(0, 2 * 6 * 6 * 8).Select(i => i % 7 - 3f)];
        float[] filter = [.. Enumerable.Range(0, 16 * 9 * 8).Select(i => i % 5 - 2f)];
        new HostAccess(plan, graph.Find("x")).Write(images);
        new HostAccess(plan, graph.Find("w")).Write(filter);
        plan.Prepare();
        plan.Run();
        plan.Run();
        float[] result = new float[2 * 6 * 6 * 16];
        new HostAccess(plan, graph.Find("z")).Read(result);
        return (result, compiled.Measurements, Simulator.Query(Finalizations) - before);
    }
}
