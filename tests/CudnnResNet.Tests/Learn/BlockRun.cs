using CudnnResNet.Compilation;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Reference;
using CudnnResNet.Tests.Golden;

namespace CudnnResNet.Tests.Learn;

/// <summary>A block of docs/learn, run alone in double on the reference backend.</summary>
internal sealed class BlockRun
{
    private readonly Dictionary<string, double[]> _inputs = [];
    private readonly Dictionary<string, double[]> _outputs = [];

    /// <param name="graph">Of one block; its values are drawn by their names.</param>
    /// <param name="wanted">Values to read afterwards.</param>
    public BlockRun(LayerGraph graph, params string[] wanted)
    {
        LayerGraph kept = graph with { Outputs = [.. wanted.Select(name => graph.Find(name).Id)] };
        using ReferenceBackend backend = new(1);
        using ExecutionPlan plan = ExecutionPlan.Load(Compiler.Compile(kept, backend, GoldenNetwork.Untuned), backend);
        foreach (Value value in kept.Values.Where(value => value.IsPersistent))
        {
            double[] values = GoldenFill.Uniform("learn/" + value.Name, value.Shape.Elements);
            if (!value.Name.EndsWith("running_var", StringComparison.Ordinal))
                values = Array.ConvertAll(values, u => 2 * u - 1);
            else
                values = Array.ConvertAll(values, u => 0.5 + u);
            _inputs.Add(value.Name, values);
            new HostAccess(plan, value).Write(values);
        }
        plan.Run();
        foreach (string name in wanted)
        {
            double[] values = new double[kept.Find(name).Shape.Elements];
            new HostAccess(plan, kept.Find(name)).Read(values);
            _outputs.Add(name, values);
        }
    }

    /// <summary>What a value held before the run, in the graph's order: NHWC, KRSC.</summary>
    public double[] Input(string name) => _inputs[name];

    public double[] Output(string name) => _outputs[name];
}
