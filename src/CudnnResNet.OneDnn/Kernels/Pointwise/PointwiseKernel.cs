using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Simd;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Pointwise;

/// <summary>
/// [Add] [BatchNormApply | BatchNormInference | ScaleBias] [Add] [ReLU]: any non-empty selection in one pass, optionally
/// keeping the first sum.
/// </summary>
internal sealed unsafe class PointwiseKernel(ThreadTeam team) : Kernel
{
    public override string Name => "pointwise";

    public override KernelSupport Check(Problem problem)
    {
        Chain chain = new(problem);
        if (!chain.IsComplete)
            return KernelSupport.No("not a chain of [add] [normalisation] [add] [relu]");
        if (!ChainReader.HasComputableType(problem))
            return KernelSupport.No("takes f32 and bf16");
        if (!chain.SidesAreInputs(problem))
            return KernelSupport.No("an add joins the chain with itself");
        return ChainReader.KeepsOnly(problem, chain.HasAffine ? chain.Sum : null)
            ? KernelSupport.Yes
            : KernelSupport.No("keeps no intermediate but the sum before a normalisation");
    }

    public override long WorkspaceBytes(Problem problem) =>
        new Chain(problem).Norm is null ? 0 : problem.Input(0, 0).Shape.C * sizeof(float);

    public override ValueId? MayOverwrite(Problem problem, ValueId output)
    {
        Chain chain = new(problem);
        bool keeps = chain.Sum is not null && problem.IsMaterialised(chain.Sum.Outputs[0]);
        // A kept sum takes the first addend's place, the result then that of the second.
        bool isKeptSum = keeps && chain.Sum!.Outputs[0] == output;
        return problem.Nodes[0].Inputs[keeps && !isKeptSum ? 1 : 0];
    }

    public override LoadedKernel Load(Problem problem, KernelArguments arguments) =>
        problem.Input(0, 0).Type == DataType.BFloat16
            ? Load<BFloat16>(problem, new(arguments))
            : Load<Float32>(problem, new(arguments));

    private LoadedKernel Load<TElement>(Problem problem, OperandAddresses at) where TElement : IElement
    {
        Chain chain = new(problem);
        Node head = problem.Nodes[0];
        if (chain.Sum is null)
            return LoadAffine<TElement, Stored<TElement>>(problem, chain, at, new(at[head.Inputs[0]]));
        Sum<TElement> sum = new(at[head.Inputs[0]], at[head.Inputs[1]]);
        return chain.HasAffine && problem.IsMaterialised(head.Outputs[0])
            ? LoadAffine<TElement, Kept<TElement, Sum<TElement>>>(problem, chain, at, new(sum, at[head.Outputs[0]]))
            : LoadAffine<TElement, Sum<TElement>>(problem, chain, at, sum);
    }

    private LoadedKernel LoadAffine<TElement, TSource>(
        Problem problem, Chain chain, OperandAddresses at, TSource source)
        where TElement : IElement where TSource : struct, ISource
    {
        if (chain.Scale is { } scaleBias)
            return LoadEpilogue<TElement, TSource, ScaleShift>(problem, chain, at, source, table: null,
                new(at.Floats(scaleBias.Inputs[1]), at.Floats(scaleBias.Inputs[2])));
        if (chain.Norm is not { } norm)
            return LoadEpilogue<TElement, TSource, Unchanged>(problem, chain, at, source, table: null, default);
        float* scale = (float*)at.Workspace();
        ScaleTable table = new(at.Floats(norm.Inputs[1]), at.Floats(norm.Inputs[4]),
            (norm.Operation as BatchNormInference)?.Epsilon, scale, problem.Input(0, 0).Shape.C);
        return LoadEpilogue<TElement, TSource, Centred>(problem, chain, at, source, table,
            new(at.Floats(norm.Inputs[3]), scale, at.Floats(norm.Inputs[2])));
    }

    private LoadedKernel LoadEpilogue<TElement, TSource, TAffine>(
        Problem problem, Chain chain, OperandAddresses at, TSource source, ScaleTable? table, TAffine affine)
        where TElement : IElement where TSource : struct, ISource where TAffine : struct, IAffine
    {
        RowExtent extent = RowExtent.Of(problem.Input(0, 0).Shape);
        byte* y = at[problem.Nodes[^1].Outputs[0]];
        return (chain.Join, chain.Relu) switch
        {
            (null, null) => new LoadedPointwise<TElement, TSource, TAffine, Identity>(
                team, extent, source, table, affine, default, y),
            (null, _) => new LoadedPointwise<TElement, TSource, TAffine, Rectified>(
                team, extent, source, table, affine, default, y),
            ({ } join, null) => new LoadedPointwise<TElement, TSource, TAffine, Joined<TElement>>(
                team, extent, source, table, affine, new(at[join.Inputs[1]]), y),
            ({ } join, _) => new LoadedPointwise<TElement, TSource, TAffine, JoinedRectified<TElement>>(
                team, extent, source, table, affine, new(at[join.Inputs[1]]), y),
        };
    }

    private readonly struct Chain
    {
        internal Chain(Problem problem)
        {
            ChainReader reader = new(problem);
            Sum = reader.Take<Add>();
            Norm = reader.Take<BatchNormApply>() ?? reader.Take<BatchNormInference>();
            Scale = Norm is null ? reader.Take<ScaleBias>() : null;
            Join = reader.Take<Add>();
            Relu = reader.Take<Relu>();
            IsComplete = reader.AtEnd;
        }

        internal Node? Sum { get; }
        internal Node? Norm { get; }
        internal Node? Scale { get; }
        internal Node? Join { get; }
        internal Node? Relu { get; }
        internal bool IsComplete { get; }
        internal bool HasAffine => Norm is not null || Scale is not null;

        internal bool SidesAreInputs(Problem problem) =>
            (Sum is null || ChainReader.IsSide(problem, Sum.Inputs[1]))
            && (Join is null || ChainReader.IsSide(problem, Join.Inputs[1]));
    }
}
