using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Autodiff;

/// <summary>
/// The whole backward graph of single blocks against central differences of the forward graph in double. The scalar
/// differentiated is sum(y * direction) for a fixed random direction. With a step h the difference errs by
/// O(h^2) + O(1e-16 / h); h = 1e-5 leaves about 1e-9 of the scale, and 1e-6 is demanded. A ReLU whose input lies
/// within h of zero would spoil a difference; with about 1e3 inputs of order one that is improbable at h = 1e-5, and
/// seeds are fixed.
/// </summary>
public class FiniteDifferenceTests
{
    private const double Step = 1e-5;
    private const double Tolerance = 1e-6;
    private const int ProbesPerTensor = 6;

    public static TheoryData<ResNetVersion, bool, int, int, bool> Blocks
    {
        get
        {
            TheoryData<ResNetVersion, bool, int, int, bool> data = [];
            foreach (ResNetVersion version in Enum.GetValues<ResNetVersion>())
                foreach (bool isBottleneck in new[] { false, true })
                {
                    data.Add(version, isBottleneck, isBottleneck ? 12 : 3, 1, false);
                    data.Add(version, isBottleneck, 5, 2, false);
                    data.Add(version, isBottleneck, 5, 1, true);
                }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Blocks))]
    public void BlockGradients(ResNetVersion version, bool isBottleneck, int inChannels, int stride, bool hasBias)
    {
        BlockSpec spec = new(version, isBottleneck, inChannels, Channels: 3, stride) { ConvolutionBias = hasBias };
        LayerGraph forward = ResidualBlock.Build(spec, n: 2, h: 5, w: 5, Precision.Fp64, BuildMode.Training);
        Value x = forward.Find("x");
        List<Value> wanted = [x, .. forward.WithRole(ValueRole.Parameter)];
        ValueId y = forward.Outputs[0];
        LayerGraph backward = BackwardGraph.OfOutput(forward, y, [.. wanted.Select(value => value.Id)]);

        using ReferenceBackend backend = new(1);
        using ExecutionPlan plan = ExecutionPlan.Load(Compiler.Compile(backward, backend, Golden.GoldenNetwork.Untuned), backend);
        Dictionary<string, double[]> contents = [];
        foreach (Value value in backward.Values.Where(value => value.IsPersistent))
            contents.Add(value.Name, RandomContents(value));
        double[] direction = contents[BackwardGraph.GradientName(forward[y].Name)];

        double Objective()
        {
            foreach (Value value in backward.Values.Where(value => value.IsPersistent))
                new HostAccess(plan, value).Write(contents[value.Name]);
            plan.Run();
            double[] result = new double[forward[y].Shape.Elements];
            new HostAccess(plan, plan.Compiled.Graph[y]).Read(result);
            return result.Zip(direction, (a, b) => a * b).Sum();
        }

        _ = Objective();
        ValueId[] gradientIds = [.. backward.Outputs.TakeLast(wanted.Count)];
        Dictionary<string, double[]> gradients = wanted.Zip(gradientIds).ToDictionary(pair => pair.First.Name, pair =>
        {
            double[] gradient = new double[pair.First.Shape.Elements];
            new HostAccess(plan, backward[pair.Second]).Read(gradient);
            return gradient;
        });

        Random random = new(7);
        foreach (Value value in wanted)
            for (int probe = 0; probe < ProbesPerTensor; probe++)
            {
                int index = random.Next((int)value.Shape.Elements);
                double[] values = contents[value.Name];
                double original = values[index];
                values[index] = original + Step;
                double above = Objective();
                values[index] = original - Step;
                double below = Objective();
                values[index] = original;
                double expected = (above - below) / (2 * Step);
                double scale = Math.Max(1, gradients[value.Name].Max(Math.Abs));
                Assert.True(Math.Abs(expected - gradients[value.Name][index]) <= Tolerance * scale,
                    $"d/d{value.Name}[{index}]: {gradients[value.Name][index]:R} instead of {expected:R}");
            }
    }

    private static double[] RandomContents(Value value)
    {
        Random random = new(value.Name.Length * 31 + value.Name[0]);
        bool isPositive = value.Name.EndsWith("running_var", StringComparison.Ordinal);
        double[] x = new double[value.Shape.Elements];
        for (int i = 0; i < x.Length; i++)
            x[i] = isPositive ? 1 + random.NextDouble() : 2 * random.NextDouble() - 1;
        return x;
    }
}
