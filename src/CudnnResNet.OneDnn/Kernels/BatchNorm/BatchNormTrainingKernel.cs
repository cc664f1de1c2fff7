using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Kernels.Pointwise;
using CudnnResNet.OneDnn.Simd;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.BatchNorm;

/// <summary>[Add] BatchNormTraining [Add] [ReLU], optionally keeping the first sum.</summary>
internal sealed unsafe class BatchNormTrainingKernel(ThreadTeam team) : Kernel
{
    public override string Name => "bn_train";

    public override KernelSupport Check(Problem problem)
    {
        Chain chain = new(problem);
        if (!chain.IsComplete)
            return KernelSupport.No("not a chain of [add] bn_train [add] [relu]");
        if (!ChainReader.HasComputableType(problem))
            return KernelSupport.No("takes f32 and bf16");
        if (!chain.SidesAreInputs(problem))
            return KernelSupport.No("an add joins the chain with itself");
        return ChainReader.KeepsOnly(problem, chain.Sum)
            ? KernelSupport.Yes
            : KernelSupport.No("keeps no intermediate but the first sum");
    }

    public override long WorkspaceBytes(Problem problem) =>
        LoadedBatchNormTraining<Float32, Stored<Float32>, Stored<Float32>, Identity>.WorkspaceBytes(
            team.Threads, problem.Input(0, 0).Shape.C);

    public override ValueId? MayOverwrite(Problem problem, ValueId output)
    {
        if (problem[output].Shape.Rank == 1)
            return null;
        Chain chain = new(problem);
        bool keeps = chain.Sum is not null && problem.IsMaterialised(chain.Sum.Outputs[0]);
        bool isKeptSum = keeps && chain.Sum!.Outputs[0] == output;
        return problem.Nodes[0].Inputs[keeps && !isKeptSum ? 1 : 0];
    }

    public override LoadedKernel Load(Problem problem, KernelArguments arguments) =>
        problem.Input(0, 0).Type == DataType.BFloat16
            ? Load<BFloat16>(problem, new(arguments))
            : Load<Float32>(problem, new(arguments));

    private LoadedKernel Load<TElement>(Problem problem, OperandAddresses at) where TElement : IElement
    {
        Node head = problem.Nodes[0];
        if (new Chain(problem).Sum is null)
        {
            Stored<TElement> x = new(at[head.Inputs[0]]);
            return LoadEpilogue<TElement, Stored<TElement>, Stored<TElement>>(problem, at, x, x);
        }
        Sum<TElement> sum = new(at[head.Inputs[0]], at[head.Inputs[1]]);
        return problem.IsMaterialised(head.Outputs[0])
            ? LoadEpilogue<TElement, Kept<TElement, Sum<TElement>>, Stored<TElement>>(
                problem, at, new(sum, at[head.Outputs[0]]), new(at[head.Outputs[0]]))
            : LoadEpilogue<TElement, Sum<TElement>, Sum<TElement>>(problem, at, sum, sum);
    }

    private LoadedKernel LoadEpilogue<TElement, TFirst, TAgain>(
        Problem problem, OperandAddresses at, TFirst first, TAgain again)
        where TElement : IElement where TFirst : struct, ISource where TAgain : struct, ISource
    {
        Chain chain = new(problem);
        RowExtent extent = RowExtent.Of(problem.Input(0, 0).Shape);
        BatchNormTrainingVectors vectors = BatchNormTrainingVectors.Of(chain.Norm!, at);
        byte* y = at[problem.Nodes[^1].Outputs[0]];
        byte* workspace = at.Workspace();
        return (chain.Join, chain.Relu) switch
        {
            (null, null) => new LoadedBatchNormTraining<TElement, TFirst, TAgain, Identity>(
                team, extent, first, again, default, y, vectors, workspace),
            (null, _) => new LoadedBatchNormTraining<TElement, TFirst, TAgain, Rectified>(
                team, extent, first, again, default, y, vectors, workspace),
            ({ } join, null) => new LoadedBatchNormTraining<TElement, TFirst, TAgain, Joined<TElement>>(
                team, extent, first, again, new(at[join.Inputs[1]]), y, vectors, workspace),
            ({ } join, _) => new LoadedBatchNormTraining<TElement, TFirst, TAgain, JoinedRectified<TElement>>(
                team, extent, first, again, new(at[join.Inputs[1]]), y, vectors, workspace),
        };
    }

    private readonly struct Chain
    {
        internal Chain(Problem problem)
        {
            ChainReader reader = new(problem);
            Sum = reader.Take<Add>();
            Norm = reader.Take<BatchNormTraining>();
            Join = reader.Take<Add>();
            Relu = reader.Take<Relu>();
            IsComplete = reader.AtEnd && Norm is not null;
        }

        internal Node? Sum { get; }
        internal Node? Norm { get; }
        internal Node? Join { get; }
        internal Node? Relu { get; }
        internal bool IsComplete { get; }

        internal bool SidesAreInputs(Problem problem) =>
            (Sum is null || ChainReader.IsSide(problem, Sum.Inputs[1]))
            && (Join is null || ChainReader.IsSide(problem, Join.Inputs[1]));
    }
}
