using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Kernels.Convolution;
using CudnnResNet.OneDnn.Kernels.Pointwise;
using CudnnResNet.OneDnn.Native;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.BatchNorm;

/// <summary>
/// ConvolutionForward BatchNormTraining [Add] [ReLU], the convolution's result kept: its statistics are taken while it is
/// written, from the values as they are rounded, and cost no pass of their own. Several of these in a row, each with its ReLU,
/// are one chain: a convolution normalises, joins and activates what it reads, and keeps that where somebody else wants it.
/// </summary>
internal sealed unsafe class ConvolutionBatchNormKernel(ThreadTeam team, DirectConvolution direct) : Kernel
{
    public override string Name { get; } = $"conv_bn_train_{direct.Suffix}";

    public override KernelSupport Check(Problem problem)
    {
        Stage[] stages = Stages(problem);
        if (stages.Length == 0)
            return KernelSupport.No("not a chain of conv_fwd bn_train [add] [relu], several with relu each");
        if (problem.ConstantWeights)
            return KernelSupport.No("takes convolutions of a training graph");
        foreach (Node node in problem.Nodes.AsSpan()[..^1])
            if (problem.IsMaterialised(node.Outputs[0]) != node.Operation is ConvolutionForward && node.Operation is not Relu)
                return KernelSupport.No("keeps the convolutions' results, and no other intermediate but what a ReLU gives");
        foreach (Stage stage in stages)
        {
            if (stage.Convolution.Inputs.Length != 2)
                return KernelSupport.No("takes convolutions without bias");
            if (stage.Join is not null && !ChainReader.IsSide(problem, stage.Join.Inputs[1]))
                return KernelSupport.No("an add joins the chain with itself");
            ConvolutionGeometry g = stage.Geometry;
            if (stage != stages[0] && (g.R == 1 ? g.Stride != 1 : g.Padding < g.Stride - 1))
                return KernelSupport.No("a convolution behind a ReLU reads all that the ReLU gives");
            if (DirectConvolution.Check(g, problem.Input(0, 0).Type) is { IsSupported: false } no)
                return no;
        }
        return KernelSupport.Yes;
    }

    public override long WorkspaceBytes(Problem problem)
    {
        Stage[] stages = Stages(problem);
        return ConvolutionBytes(problem, stages) + stages.Sum(stage => Vectors.Bytes(stage.Geometry.K));
    }

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        Stage[] stages = Stages(problem);
        OperandAddresses at = new(arguments);
        List<LoadedKernel> steps = [];
        CpuDirectOperands operands = new() { X = at[stages[0].Convolution.Inputs[0]] };
        long offset = ConvolutionBytes(problem, stages);
        foreach (Stage stage in stages)
        {
            ConvolutionGeometry geometry = stage.Geometry;
            Vectors vectors = new(at.Workspace(offset), geometry.K);
            offset += Vectors.Bytes(geometry.K);
            BatchNormTrainingVectors norms = BatchNormTrainingVectors.Of(stage.Norm, at);
            RowExtent extent = RowExtent.Of(problem[stage.Convolution.Outputs[0]].Shape);
            byte* y = at[stage.Convolution.Outputs[0]];
            operands.Y = y;
            operands.First = vectors.Mean;
            operands.Second = vectors.Moment;
            steps.Add(DirectConvolution.Load(Native(problem, stage), isBackward: false, constantWeights: false,
                at.Floats(stage.Convolution.Inputs[1]), operands, at));
            steps.Add(new Conclusion(team, extent, norms, vectors));
            byte* other = stage.Join is { } join ? at[join.Inputs[1]] : null;
            if (stage == stages[^1])
            {
                steps.Add(Normalise(other, stage.Relu is not null, extent, y, new(vectors.MeanFloats, vectors.Scale, norms.Beta),
                    at[problem.Nodes[^1].Outputs[0]]));
                break;
            }
            operands = new()
            {
                X = y,
                Input = new()
                {
                    Mean = vectors.MeanFloats,
                    Scale = vectors.Scale,
                    Shift = norms.Beta,
                    Other = other,
                    Y = problem.IsMaterialised(stage.Relu!.Outputs[0]) ? at[stage.Relu.Outputs[0]] : null,
                },
            };
        }
        return new LoadedSequence(null, [.. steps]);
    }

    private LoadedKernel Normalise(byte* other, bool isRectified, RowExtent extent, byte* from, Centred affine, byte* to)
    {
        Stored<BFloat16> source = new(from);
        return (other != null, isRectified) switch
        {
            (false, false) => new LoadedPointwise<BFloat16, Stored<BFloat16>, Centred, Identity>(
                team, extent, source, table: null, affine, default, to),
            (false, true) => new LoadedPointwise<BFloat16, Stored<BFloat16>, Centred, Rectified>(
                team, extent, source, table: null, affine, default, to),
            (true, false) => new LoadedPointwise<BFloat16, Stored<BFloat16>, Centred, Joined<BFloat16>>(
                team, extent, source, table: null, affine, new(other), to),
            (true, true) => new LoadedPointwise<BFloat16, Stored<BFloat16>, Centred, JoinedRectified<BFloat16>>(
                team, extent, source, table: null, affine, new(other), to),
        };
    }

    private CpuDirectProblem Native(Problem problem, Stage stage) =>
        direct.Forward(problem.Input(0, 0).Shape.N, stage.Geometry);

    /// <summary>One after the other, the convolutions use the same.</summary>
    private long ConvolutionBytes(Problem problem, Stage[] stages) =>
        stages.Max(stage => DirectConvolution.Place(Native(problem, stage), constantWeights: false).WorkspaceBytes);

    /// <summary>Empty where the problem is no such chain.</summary>
    private static Stage[] Stages(Problem problem)
    {
        ChainReader reader = new(problem);
        List<Stage> stages = [];
        while (!reader.AtEnd)
        {
            if (reader.Take<ConvolutionForward>() is not { } convolution || reader.Take<BatchNormTraining>() is not { } norm)
                return [];
            Stage stage = new(convolution, norm, reader.Take<Add>(), reader.Take<Relu>());
            if (stage.Relu is null && !(stages.Count == 0 && reader.AtEnd))
                return [];
            stages.Add(stage);
        }
        return [.. stages];
    }

    private sealed record Stage(Node Convolution, Node Norm, Node? Join, Node? Relu)
    {
        internal ConvolutionGeometry Geometry => ((ConvolutionForward)Convolution.Operation).Geometry;
    }

    /// <summary>Vectors by channel in the workspace, behind the convolution's.</summary>
    private readonly struct Vectors(byte* start, int channels)
    {
        internal double* Mean => (double*)start;
        internal double* Moment => (double*)start + channels;
        internal float* MeanFloats => (float*)(Moment + channels);
        internal float* Scale => MeanFloats + channels;

        internal static long Bytes(int channels) => Region.Align(channels * 2L * (sizeof(double) + sizeof(float)));
    }

    /// <summary>Statistics to what is saved, running and applied.</summary>
    private sealed class Conclusion(ThreadTeam team, RowExtent extent, BatchNormTrainingVectors operands, Vectors vectors)
        : SlicedKernel(team)
    {
        protected override long TrafficBytes(int phase) => extent.Channels * 2 * sizeof(double);

        protected override void RunSlice(int phase, int slice)
        {
            (nint begin, nint end) = Share(extent.Channels, slice, grain: 16);
            for (nint c = begin; c < end; c++)
            {
                vectors.MeanFloats[c] = (float)vectors.Mean[c];
                vectors.Scale[c] = operands.Conclude(c, vectors.Mean[c], vectors.Moment[c], extent.Rows);
            }
        }
    }
}
