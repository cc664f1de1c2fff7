using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Kernels.Convolution;
using CudnnResNet.OneDnn.Kernels.Pointwise;
using CudnnResNet.OneDnn.Native;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.BatchNorm;

/// <summary>
/// ConvolutionForward BatchNormTraining [Add] [ReLU], the convolution's result kept: its statistics are taken while it is
/// written, from the values as they are rounded, and cost no pass of their own.
/// </summary>
internal sealed unsafe class ConvolutionBatchNormKernel(ThreadTeam team, DirectConvolution direct) : Kernel
{
    public override string Name { get; } = $"conv_bn_train_{direct.Suffix}";

    public override KernelSupport Check(Problem problem)
    {
        Chain chain = new(problem);
        if (!chain.IsComplete)
            return KernelSupport.No("not a chain of conv_fwd bn_train [add] [relu]");
        if (!problem.IsMaterialised(chain.Convolution!.Outputs[0]) || !ChainReader.KeepsOnly(problem, chain.Convolution))
            return KernelSupport.No("keeps the convolution's result, and no other intermediate");
        if (chain.Convolution.Inputs.Length != 2 || problem.ConstantWeights)
            return KernelSupport.No("takes convolutions of a training graph, without bias");
        if (chain.Join is not null && !ChainReader.IsSide(problem, chain.Join.Inputs[1]))
            return KernelSupport.No("an add joins the chain with itself");
        return DirectConvolution.Check(Geometry(problem), problem.Input(0, 0).Type);
    }

    public override long WorkspaceBytes(Problem problem) =>
        DirectConvolution.WorkspaceBytes(Native(problem), constantWeights: false) + Vectors.Bytes(Geometry(problem).K);

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        Chain chain = new(problem);
        OperandAddresses at = new(arguments);
        Node convolution = chain.Convolution!, norm = chain.Norm!;
        CpuDirectProblem native = Native(problem);
        Vectors vectors = new(at.Workspace(DirectConvolution.WorkspaceBytes(native, constantWeights: false)), Geometry(problem).K);
        byte* y = at[convolution.Outputs[0]];
        CpuDirectOperands operands = new()
        {
            X = at[convolution.Inputs[0]],
            Y = y,
            First = vectors.Mean,
            Second = vectors.Moment,
        };
        LoadedKernel convolve = DirectConvolution.Load(
            native, isBackward: false, constantWeights: false, at.Floats(convolution.Inputs[1]), operands, at);
        RowExtent extent = RowExtent.Of(problem[convolution.Outputs[0]].Shape);
        BatchNormTrainingVectors norms = BatchNormTrainingVectors.Of(norm, at);
        return new LoadedSequence(null, convolve, new Conclusion(team, extent, norms, vectors),
            Normalise(chain, extent, y, new(vectors.MeanFloats, vectors.Scale, norms.Beta), at, at[problem.Nodes[^1].Outputs[0]]));
    }

    private LoadedKernel Normalise(Chain chain, RowExtent extent, byte* from, Centred affine, OperandAddresses at, byte* to)
    {
        Direct<BFloat16> source = new(from);
        return (chain.Join, chain.Relu) switch
        {
            (null, null) => new LoadedPointwise<BFloat16, Direct<BFloat16>, Centred, Identity>(
                team, extent, source, table: null, affine, default, to),
            (null, _) => new LoadedPointwise<BFloat16, Direct<BFloat16>, Centred, Rectified>(
                team, extent, source, table: null, affine, default, to),
            ({ } join, null) => new LoadedPointwise<BFloat16, Direct<BFloat16>, Centred, Joined<BFloat16>>(
                team, extent, source, table: null, affine, new(at[join.Inputs[1]]), to),
            ({ } join, _) => new LoadedPointwise<BFloat16, Direct<BFloat16>, Centred, JoinedRectified<BFloat16>>(
                team, extent, source, table: null, affine, new(at[join.Inputs[1]]), to),
        };
    }

    private CpuDirectProblem Native(Problem problem) => direct.Forward(problem.Input(0, 0).Shape.N, Geometry(problem));

    private static ConvolutionGeometry Geometry(Problem problem) =>
        ((ConvolutionForward)problem.Nodes[0].Operation).Geometry;

    private readonly struct Chain
    {
        internal Chain(Problem problem)
        {
            ChainReader reader = new(problem);
            Convolution = reader.Take<ConvolutionForward>();
            Norm = reader.Take<BatchNormTraining>();
            Join = reader.Take<Add>();
            Relu = reader.Take<Relu>();
            IsComplete = reader.AtEnd && Convolution is not null && Norm is not null;
        }

        internal Node? Convolution { get; }
        internal Node? Norm { get; }
        internal Node? Join { get; }
        internal Node? Relu { get; }
        internal bool IsComplete { get; }
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
