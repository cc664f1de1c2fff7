using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Conformance;

namespace CudnnResNet.Tests.Kernels;

/// <summary>Problem lines say all of a problem, and nothing else is a problem line.</summary>
public class ProblemTextTests
{
    public static TheoryData<string> Lines => [.. ProblemFiles.Lines];

    [Theory]
    [MemberData(nameof(Lines))]
    public void ALineReadsBackAsItself(string line)
    {
        Problem problem = ProblemParser.Parse(line);
        Assert.Equal(line, problem.Line);
        Assert.Equal(problem, ProblemParser.Parse(problem.Line));
    }

    [Fact]
    public void NoTwoLinesAreEqualProblems() =>
        Assert.Equal(ProblemFiles.Lines.Count, ProblemFiles.Problems.Distinct().Count());

    [Fact]
    public void EveryOperationIsAmongTheLines()
    {
        HashSet<Type> covered = [.. ProblemFiles.Problems.Where(p => p.Nodes.Length == 1).Select(p => p.Operations[0].GetType())];
        Assert.Equal(Operations.Types.Order(Operations.ByName), covered.Order(Operations.ByName));
    }

    /// <summary>Each line differs from the first in one attribute, extent, type, operand or kept result.</summary>
    [Theory]
    [InlineData("conv_fwd n2 h8 w9 c16 k32 r3 s5 stride1 pad2 f32", "conv_fwd n3 h8 w9 c16 k32 r3 s5 stride1 pad2 f32",
        "conv_fwd n2 h7 w9 c16 k32 r3 s5 stride1 pad2 f32", "conv_fwd n2 h8 w8 c16 k32 r3 s5 stride1 pad2 f32",
        "conv_fwd n2 h8 w9 c15 k32 r3 s5 stride1 pad2 f32", "conv_fwd n2 h8 w9 c16 k31 r3 s5 stride1 pad2 f32",
        "conv_fwd n2 h8 w9 c16 k32 r1 s5 stride1 pad2 f32", "conv_fwd n2 h8 w9 c16 k32 r3 s3 stride1 pad2 f32",
        "conv_fwd n2 h8 w9 c16 k32 r3 s5 stride2 pad2 f32", "conv_fwd n2 h8 w9 c16 k32 r3 s5 stride1 pad1 f32",
        "conv_fwd n2 h8 w9 c16 k32 r3 s5 stride1 pad2 bf16", "conv_fwd n2 h8 w9 c16 k32 r3 s5 stride1 pad2 f32 +bias",
        "conv_fwd n2 h8 w9 c16 k32 r3 s5 stride1 pad2 f32 const", "conv_fwd n2 h8 w9 c16 k32 r3 s5 stride1 pad2 f32 +relu",
        "conv_fwd n2 h8 w9 c16 k32 r3 s5 stride1 pad2 f32 +relu keep:0",
        "conv_bwd_data n2 h8 w9 c16 k32 r3 s5 stride1 pad2 f32", "conv_bwd_filter n2 h8 w9 c16 k32 r3 s5 stride1 pad2 f32")]
    [InlineData("bn_train n2 h3 w4 c5 eps1E-05 mom0.1 f32", "bn_train n2 h3 w4 c5 eps0.001 mom0.1 f32",
        "bn_train n2 h3 w4 c5 eps1E-05 mom0.2 f32", "bn_train n2 h3 w4 c5 eps1E-05 mom0.1 f64")]
    [InlineData("max_pool n2 h9 w9 c5 window3 stride2 pad1 f32", "max_pool n2 h9 w9 c5 window2 stride2 pad1 f32",
        "max_pool n2 h9 w9 c5 window3 stride1 pad1 f32", "max_pool n2 h9 w9 c5 window3 stride2 pad0 f32",
        "max_pool n2 h9 w9 c5 window3 stride2 pad1 f32 +argmax")]
    [InlineData("linear_bwd_data n2 c3 k4 f32", "linear_bwd_data n2 c3 k5 f32", "linear_bwd_data n2 c3 k4 bf16",
        "linear_bwd_data n2 c4 k4 f32", "linear_bwd_data n1 c3 k4 f32", "linear_bwd_filter n2 c3 k4 f32")]
    [InlineData("softmax_ce n2 c3 smooth0 f32", "softmax_ce n2 c3 smooth0.1 f32", "softmax_ce_bwd n2 c3 smooth0 f32")]
    [InlineData("sgd e8 mom0.9 wd0 f32", "sgd e8 mom0.9 wd0.1 f32", "sgd e8 mom0.8 wd0 f32", "sgd e9 mom0.9 wd0 f32")]
    [InlineData("cast e8 f32 bf16", "cast e8 bf16 f32", "cast e8 f32 f64")]
    [InlineData("add n2 h3 w3 c4 f32 +relu_bwd", "add n2 h3 w3 c4 f32 +relu_bwd keep:0",
        "add n2 h3 w3 c4 f32 +relu_bwd(in1=@0)", "add n2 h3 w3 c4 f32 +relu_bwd(in1=@1)")]
    public void EveryFieldIsPartOfTheKey(params string[] lines)
    {
        Assert.Equal(lines, lines.Select(line => ProblemParser.Parse(line).Line));
        Assert.Equal(lines.Length, lines.Select(ProblemParser.Parse).ToHashSet().Count);
    }

    /// <summary>
    /// Positions of shared operands count by first use, also where the chain input is not the first operand: @0 is x
    /// and @1 is dy, though dy is the chain input.
    /// </summary>
    [Fact]
    public void SharedOperandsCountByFirstUse()
    {
        Problem problem = ProblemParser.Parse("linear_bwd_filter n3 c3 k3 f32 +add(in1=@1)");
        Assert.Equal(problem.Nodes[0].Inputs[1], problem.Nodes[1].Inputs[1]);
        Assert.Equal("linear_bwd_filter n3 c3 k3 f32 +add(in1=@1)", problem.Line);
        Assert.Throws<ResNetException>(() => ProblemParser.Parse("linear_bwd_filter n4 c3 k3 f32 +add(in1=@1)"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("+relu")]
    [InlineData("nonsense n1 h4 w4 c8 f32")]
    [InlineData("relu")]
    [InlineData("relu n1 h4 w4 c8")]
    [InlineData("relu n1 h4 w4 c8 f33")]
    [InlineData("relu n1 h4 w4 c8 u8")]
    [InlineData("relu n1 h4 w4 c8 f32 f32")]
    [InlineData("relu n1 h4 w4 c8 f32 bf16")]
    [InlineData("relu n0 h4 w4 c8 f32")]
    [InlineData("relu n-1 h4 w4 c8 f32")]
    [InlineData("relu n1.5 h4 w4 c8 f32")]
    [InlineData("relu nNaN h4 w4 c8 f32")]
    [InlineData("relu n1e300 h4 w4 c8 f32")]
    [InlineData("relu n268435456 h268435456 w268435456 c268435456 f32")]
    [InlineData("relu n1 h4 w4 c8 f32 extra")]
    [InlineData("relu n1 h4 w4 c8 k3 f32")]
    [InlineData("relu n1 h4 w4 c8 f32 +")]
    [InlineData("relu n1 h4 w4 c8 f32 +relu(")]
    [InlineData("relu n1 h4 w4 c8 f32 +add(in1=@9)")]
    [InlineData("relu n1 h4 w4 c8 f32 +add(in1=@-1)")]
    [InlineData("relu n1 h4 w4 c8 f32 +add(in1=0)")]
    [InlineData("relu n1 h4 w4 c8 f32 +add(in0=@0)")]
    [InlineData("relu n1 h4 w4 c8 f32 +add(in7=@0)")]
    [InlineData("relu n1 h4 w4 c8 f32 +add(in1=@0,in1=@0)")]
    [InlineData("relu n1 h4 w4 c8 f32 +scale_bias(in1=@0)")]
    [InlineData("relu n1 h4 w4 c8 f32 +relu keep:")]
    [InlineData("relu n1 h4 w4 c8 f32 +relu keep:x")]
    [InlineData("relu n1 h4 w4 c8 f32 +relu keep:1")]
    [InlineData("relu n1 h4 w4 c8 f32 +relu keep:-1")]
    [InlineData("relu n1 h4 w4 c8 f32 +bias")]
    [InlineData("relu n1 h4 w4 c8 f32 +argmax")]
    [InlineData("relu n1 h4 w4 c8 f32 +linear(k3)")]
    [InlineData("relu n1 c8 f32 +bn_apply")]
    [InlineData("relu n1 h4 w4 c8 f32 +conv_fwd(k3,r3,s3,stride1)")]
    [InlineData("relu n1 h4 w4 c8 f32 +conv_bwd_data(h4,w4,c8,k3,r1,s1,stride1,pad0)")]
    [InlineData("conv_fwd n1 h2 w2 c8 k3 r3 s3 stride2 pad0 f32")]
    [InlineData("conv_fwd n1 h4 w4 c8 k3 r3 s3 stride0 pad1 f32")]
    [InlineData("conv_fwd n1 h4 w4 c8 k3 r3 s3 stride1 pad-1 f32")]
    [InlineData("conv_fwd n1 h4 w4 c8 k3 r3 s3 stride1 pad1 f32 +bias +bias")]
    [InlineData("max_pool n1 h4 w4 c8 window2 stride2 pad2 f32")]
    [InlineData("max_pool n1 h4 w4 c8 window2 stride2 pad0 f32 +argmax +argmax")]
    [InlineData("max_pool n1 h40 w40 c8 window17 stride17 pad0 f32 +argmax")]
    [InlineData("max_pool_bwd n1 h40 w40 c8 window17 stride17 pad0 f32")]
    [InlineData("sgd e8 mom0.9 wd0 f32 +relu")]
    [InlineData("sgd e8 momNaN wd0 f32")]
    [InlineData("softmax_ce n2 h1 w1 c3 smooth0 f32")]
    [InlineData("sigmoid_ce n2 c3 smooth0 f32")]
    [InlineData("cast e8 f32")]
    [InlineData("cast e8 f32 i32")]
    public void AnythingElseIsRefusedInOneLine(string line)
    {
        ResNetException refusal = Assert.Throws<ResNetException>(() => ProblemParser.Parse(line));
        Assert.DoesNotContain('\n', refusal.Message);
    }

    /// <summary>Chopped, doubled and mixed-up lines either are problems or are refused; they never fail otherwise.</summary>
    [Fact]
    public void MutatedLinesNeverCrash()
    {
        Random random = new(20);
        IReadOnlyList<string> lines = ProblemFiles.Lines;
        int refused = 0;
        for (int i = 0; i < 20_000; i++)
        {
            string line = Mutate(lines[random.Next(lines.Count)], lines[random.Next(lines.Count)], random);
            try
            {
                Problem problem = ProblemParser.Parse(line);
                Assert.Equal(problem.Line, ProblemParser.Parse(problem.Line).Line);
            }
            catch (ResNetException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 10_000, 19_999);
    }

    /// <summary>What the scheduler cuts out of a graph, with values numbered as they come, has the line it reads back to.</summary>
    [Fact]
    public void ProblemsCutOutOfGraphsReadBack()
    {
        GraphBuilder builder = new();
        TensorShape shape = TensorShape.Nhwc(2, 8, 8, 4);
        ValueId beside = builder.Declare("beside", shape, DataType.Float32, ValueRole.Input);
        ValueId x = builder.Declare("x", shape, DataType.Float32, ValueRole.Input);
        ValueId w = builder.Declare("w", TensorShape.Krsc(4, 3, 3, 4), DataType.Float32, ValueRole.Parameter);
        ConvolutionGeometry geometry = new(8, 8, 4, 4, 3, 3, 1, 1);
        ValueId y = builder.Apply(new ConvolutionForward(geometry), [x, w], "block", "y")[0];
        ValueId sum = builder.Apply(new Add(), [y, x], "block", "sum")[0];
        ValueId joined = builder.Apply(new Add(), [sum, beside], "block", "joined")[0];
        builder.MarkOutput(builder.Apply(new Relu(), [joined], "block", "out")[0]);
        LayerGraph graph = builder.ToGraph();
        Problem problem = ProblemExtraction.Extract(graph, graph.Nodes.AsSpan(), id => id == sum, constantWeights: true).Problem;
        Assert.Equal(
            "conv_fwd n2 h8 w8 c4 k4 r3 s3 stride1 pad1 f32 +add(in1=@0) +add +relu keep:1 const", problem.Line);

        Problem read = ProblemParser.Parse(problem.Line);
        Assert.Equal(problem.Operations.AsEnumerable(), read.Operations);
        Assert.Equal(Shapes(problem, problem.Inputs), Shapes(read, read.Inputs));
        Assert.Equal(Shapes(problem, problem.Outputs), Shapes(read, read.Outputs));
        for (int i = 0; i < problem.Nodes.Length; i++)
            Assert.Equal(problem.Nodes[i].Inputs.Select(problem.Inputs.IndexOf), read.Nodes[i].Inputs.Select(read.Inputs.IndexOf));
    }

    private static string Mutate(string line, string other, Random random)
    {
        List<string> words = [.. line.Split(' ')];
        string[] others = other.Split(' ');
        int at = random.Next(words.Count);
        switch (random.Next(6))
        {
            case 0:
                words.RemoveAt(at);
                break;
            case 1:
                words.Insert(at, others[random.Next(others.Length)]);
                break;
            case 2:
                words[at] = others[random.Next(others.Length)];
                break;
            case 3:
                return line[..random.Next(line.Length)];
            case 4:
                return line[..random.Next(line.Length)] + other[random.Next(other.Length)..];
            default:
                words[at] += (char)random.Next(32, 127);
                break;
        }
        return string.Join(' ', words);
    }

    private static TensorType[] Shapes(Problem problem, ImmutableArray<ValueId> ids) =>
        [.. ids.Select(id => new TensorType(problem[id].Shape, problem[id].Type))];
}
