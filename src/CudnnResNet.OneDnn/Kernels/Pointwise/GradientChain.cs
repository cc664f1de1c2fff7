using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.Pointwise;

/// <summary>How a chain of gradients begins: [Add | GlobalAveragePoolBackward] [ReluBackward].</summary>
internal struct GradientChain
{
    private ChainReader _reader;

    internal GradientChain(Problem problem)
    {
        _reader = new ChainReader(problem);
        Pool = _reader.Take<GlobalAveragePoolBackward>();
        Sum = Pool is null ? _reader.Take<Add>() : null;
        Mask = _reader.Take<ReluBackward>();
    }

    internal Node? Pool { get; }
    internal Node? Sum { get; }
    internal Node? Mask { get; }

    internal readonly bool AtEnd => _reader.AtEnd;

    internal Node? Take<T>() where T : Operation => _reader.Take<T>();

    internal readonly bool SidesAreInputs(Problem problem) =>
        (Sum is null || ChainReader.IsSide(problem, Sum.Inputs[1]))
        && (Mask is null || ChainReader.IsSide(problem, Mask.Inputs[1]));
}

/// <summary>
/// Composes the source type of a gradient, link by link: one for the pass that sees it first, and one for a second pass,
/// which reads again what the first kept.
/// </summary>
internal abstract unsafe class GradientLoader<TElement> where TElement : IElement
{
    internal LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        GradientChain chain = new(problem);
        Node head = problem.Nodes[0];
        if (chain.Pool is { Operation: GlobalAveragePoolBackward pool })
        {
            float share = 1f / (pool.Height * pool.Width);
            return AddHead(problem, chain, at, chain.Pool, new Spread<TElement>(at[head.Inputs[0]], share));
        }
        if (chain.Sum is not null)
            return AddHead(problem, chain, at, chain.Sum, new Sum<TElement>(at[head.Inputs[0]], at[head.Inputs[1]]));
        Stored<TElement> direct = new(at[head.Inputs[0]]);
        return AddMask(problem, chain, at, direct, direct);
    }

    /// <param name="problem">The whole chain.</param>
    /// <param name="chain">Its beginning.</param>
    /// <param name="at">Where the operands lie.</param>
    /// <param name="first">The gradient for the pass that keeps what is to be kept.</param>
    /// <param name="again">The same gradient for later passes.</param>
    protected abstract LoadedKernel Finish<TFirst, TAgain>(
        Problem problem, GradientChain chain, OperandAddresses at, TFirst first, TAgain again)
        where TFirst : struct, ISource where TAgain : struct, ISource;

    private LoadedKernel AddHead<TSource>(
        Problem problem, GradientChain chain, OperandAddresses at, Node head, TSource source)
        where TSource : struct, ISource =>
        IsKept(problem, head)
            ? AddMask<Kept<TElement, TSource>, Stored<TElement>>(
                problem, chain, at, new(source, at[head.Outputs[0]]), new(at[head.Outputs[0]]))
            : AddMask(problem, chain, at, source, source);

    private LoadedKernel AddMask<TFirst, TAgain>(
        Problem problem, GradientChain chain, OperandAddresses at, TFirst first, TAgain again)
        where TFirst : struct, ISource where TAgain : struct, ISource
    {
        if (chain.Mask is not { } mask)
            return Finish(problem, chain, at, first, again);
        byte* output = at[mask.Inputs[1]];
        Masked<TElement, TFirst> masked = new(first, output);
        return IsKept(problem, mask)
            ? Finish<Kept<TElement, Masked<TElement, TFirst>>, Stored<TElement>>(
                problem, chain, at, new(masked, at[mask.Outputs[0]]), new(at[mask.Outputs[0]]))
            : Finish(problem, chain, at, masked, new Masked<TElement, TAgain>(again, output));
    }

    /// <summary>The end of a chain is written by whoever finishes it.</summary>
    private static bool IsKept(Problem problem, Node node) =>
        node != problem.Nodes[^1] && problem.IsMaterialised(node.Outputs[0]);
}
