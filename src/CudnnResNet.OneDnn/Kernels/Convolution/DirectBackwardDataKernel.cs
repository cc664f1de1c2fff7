using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Kernels.BatchNorm;
using CudnnResNet.OneDnn.Kernels.Pointwise;
using CudnnResNet.OneDnn.Native;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>
/// dgrad [Add] [ReluBackward] of stride 1 in bf16 by the definition, in one pass; and [BatchNormBackward], whose sums are taken
/// while the gradient is written, so that it has one pass of its own instead of two. The gradient between may be kept.
/// </summary>
internal sealed unsafe class DirectBackwardDataKernel(ThreadTeam team, DirectConvolution direct) : Kernel
{
    public override string Name { get; } = $"conv_bwd_data_{direct.Suffix}";

    public override KernelSupport Check(Problem problem)
    {
        Chain chain = new(problem);
        if (!chain.IsComplete)
            return KernelSupport.No("not a chain of conv_bwd_data [add] [relu_bwd] [bn_bwd]");
        if (!ChainReader.KeepsOnly(problem, chain.Norm is null ? null : chain.Gradient))
            return KernelSupport.No("keeps no intermediate but the gradient before bn_bwd");
        if (!chain.SidesAreInputs(problem))
            return KernelSupport.No("a side operand is produced inside the chain");
        ConvolutionGeometry g = Geometry(problem);
        return g.Stride != 1 || g.Padding > g.R - 1 || g.R != g.S
            ? KernelSupport.No("direct gradients take square filters of stride 1, padded by less than their size")
            : DirectConvolution.Check(g, problem.Input(0, 0).Type);
    }

    public override long WorkspaceBytes(Problem problem) =>
        Place(problem).WorkspaceBytes
            + (new Chain(problem).Norm is null ? 0 : LoadedBatchNormGradient.WorkspaceBytes(Geometry(problem).C));

    public override long PackedBytes(Problem problem) => Place(problem).PackedBytes;

    public override ValueId? MayOverwrite(Problem problem, ValueId output)
    {
        Chain chain = new(problem);
        // A gradient that is not kept lies in dx until x has been read.
        if (chain.Norm is not null && output == chain.Norm.Outputs[0])
            return problem.IsMaterialised(chain.Gradient.Outputs[0]) ? chain.Norm.Inputs[1] : null;
        // What the convolution reads must survive until the last panel of filters.
        return chain.Join is { } add && output == chain.Gradient.Outputs[0] && !problem.Nodes[0].Inputs.Contains(add.Inputs[1])
            ? add.Inputs[1] : null;
    }

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Chain chain = new(problem);
        Node node = problem.Nodes[0];
        byte* gradient = at[chain.Norm is null || problem.IsMaterialised(chain.Gradient.Outputs[0])
            ? chain.Gradient.Outputs[0] : chain.Norm.Outputs[0]];
        CpuDirectOperands operands = new()
        {
            X = at[node.Inputs[0]],
            Other = chain.Join is { } add ? at[add.Inputs[1]] : null,
            Mask = chain.Mask is { } mask ? at[mask.Inputs[1]] : null,
            Y = gradient,
        };
        CpuDirectProblem native = Native(problem);
        if (chain.Norm is not { } norm)
            return DirectConvolution.Load(native, isBackward: true, problem.ConstantWeights, at.Floats(node.Inputs[1]), operands, at);
        LoadedBatchNormGradient differentiate = new(team, RowExtent.Of(problem[norm.Inputs[1]].Shape),
            new Stored<BFloat16>(gradient), at[norm.Inputs[1]], at[norm.Outputs[0]], BatchNormBackwardVectors.Of(norm, at),
            at.Workspace(Place(problem).WorkspaceBytes));
        operands.First = differentiate.Sums;
        operands.Second = differentiate.Products;
        operands.NormX = at[norm.Inputs[1]];
        operands.NormMean = at.Floats(norm.Inputs[3]);
        LoadedKernel convolve = DirectConvolution.Load(
            native, isBackward: true, problem.ConstantWeights, at.Floats(node.Inputs[1]), operands, at);
        return new LoadedSequence(null, convolve, differentiate);
    }

    private FilterPlace Place(Problem problem) => DirectConvolution.Place(Native(problem), problem.ConstantWeights);

    private CpuDirectProblem Native(Problem problem) => direct.BackwardData(problem.Input(0, 0).Shape.N, Geometry(problem));

    private static ConvolutionGeometry Geometry(Problem problem) =>
        ((ConvolutionBackwardData)problem.Nodes[0].Operation).Geometry;

    private readonly struct Chain
    {
        internal Chain(Problem problem)
        {
            ChainReader reader = new(problem);
            Node? head = reader.Take<ConvolutionBackwardData>();
            Join = reader.Take<Add>();
            Mask = reader.Take<ReluBackward>();
            Norm = reader.Take<BatchNormBackward>();
            IsComplete = reader.AtEnd && head is not null;
            Gradient = Mask ?? Join ?? problem.Nodes[0];
        }

        internal Node? Join { get; }
        internal Node? Mask { get; }
        internal Node? Norm { get; }

        /// <summary>The last node before the batch norm's.</summary>
        internal Node Gradient { get; }

        internal bool IsComplete { get; }

        internal bool SidesAreInputs(Problem problem) =>
            (Join is null || ChainReader.IsSide(problem, Join.Inputs[1]))
            && (Mask is null || ChainReader.IsSide(problem, Mask.Inputs[1]))
            && (Norm is null || ChainReader.IsSide(problem, Norm.Inputs[1]));
    }
}
