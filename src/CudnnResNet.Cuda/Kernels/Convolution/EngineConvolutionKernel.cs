using CudnnResNet.Cuda.Engines;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Convolution;

/// <summary>
/// A convolution by one of cuDNN's engines: that of a given rank in the order of its heuristics. Each rank is an entry
/// of the catalog of its own, so that measuring entries measures engines, and a plan cache keeps the engine's rank.
/// </summary>
/// <param name="session">Whose engines are asked.</param>
/// <param name="pass">Which product.</param>
/// <param name="rank">0 for the best guess.</param>
/// <param name="isPadded">Of images whose few channels are padded to a vector.</param>
internal sealed class EngineConvolutionKernel(CudaSession session, ConvolutionPass pass, int rank, bool isPadded = false) : Kernel
{
    public override string Name { get; } = $"cudnn_{Words(pass)}{(isPadded ? "_padded" : "")}_{rank}";

    public override KernelSupport Check(Problem problem)
    {
        string? refusal = Find(problem, out _, out _);
        return refusal is null ? KernelSupport.Yes : KernelSupport.No(refusal);
    }

    public override long WorkspaceBytes(Problem problem)
    {
        Require(problem, out ConvolutionProblem convolution, out Choice choice);
        return WorkspaceParts.Bytes(choice.Plan.WorkspaceBytes, ConvertedBytes(problem, convolution, choice, isPacked: false),
            LoadedConvolution.PaddedBytes(convolution));
    }

    public override long PackedBytes(Problem problem)
    {
        Require(problem, out ConvolutionProblem convolution, out Choice choice);
        return ConvertedBytes(problem, convolution, choice, isPacked: true);
    }

    public override bool RoundsToActivationType(Problem problem, ValueId output)
    {
        Require(problem, out ConvolutionProblem convolution, out Choice choice);
        return output == convolution.Filter.Id && choice.FilterType != convolution.Filter.Type;
    }

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        Require(problem, out ConvolutionProblem convolution, out Choice choice);
        return new LoadedConvolution(session, convolution, problem, arguments, choice.FilterType, choice.Plan.WorkspaceBytes,
            NextPlan(problem, convolution, choice), Key(problem, choice.FilterType));
    }

    /// <summary>The engine, and the type in which it takes or gives the filter.</summary>
    private readonly record struct Choice(EnginePlan Plan, DataType FilterType);

    /// <summary>Hands out this rank's plan, then those behind it: an engine may refuse when it runs first.</summary>
    private Func<EnginePlan?> NextPlan(Problem problem, ConvolutionProblem convolution, Choice choice)
    {
        int next = rank;
        return () => Find(problem, convolution, next++, choice.FilterType, out EnginePlan? plan) is null ? plan : null;
    }

    private void Require(Problem problem, out ConvolutionProblem convolution, out Choice choice)
    {
        if (Find(problem, out ConvolutionProblem? found, out Choice? chosen) is { } refusal)
            throw new InvalidOperationException($"{Name} does not take '{problem}': {refusal}");
        (convolution, choice) = (found!, chosen!.Value);
    }

    private string? Find(Problem problem, out ConvolutionProblem? convolution, out Choice? choice)
    {
        choice = null;
        if (ConvolutionProblem.Read(problem, pass, out convolution) is { } refusal)
            return refusal;
        if (isPadded)
        {
            if (convolution!.PaddingRefusal is { } useless)
                return useless;
            convolution = convolution with { PaddedChannels = ConvolutionProblem.VectorChannels };
        }
        // A filter is rounded to the type of the activations before use; its gradient comes in float32 where an engine
        // writes that, and through the type of the activations where none does.
        DataType[] types = pass == ConvolutionPass.BackwardFilter && convolution!.Type != convolution.Filter.Type
            ? [convolution.Filter.Type, convolution.Type]
            : [convolution!.Type];
        // What an earlier run settled on is not asked about again.
        if (types.Length > 1 && session.Engines.IsKept(Key(problem, types[1]), rank, convolution.Type))
            Array.Reverse(types);
        string? reason = null;
        foreach (DataType type in types)
        {
            reason = Find(problem, convolution, rank, type, out EnginePlan? plan);
            if (reason is null)
            {
                choice = new Choice(plan!, type);
                return null;
            }
        }
        return reason;
    }

    private string? Find(Problem problem, ConvolutionProblem convolution, int atRank, DataType filterType, out EnginePlan? plan) =>
        session.Engines.Find(Key(problem, filterType), atRank, convolution.Type,
            graph => convolution.Build(graph, filterType), out plan);

    private string Key(Problem problem, DataType filterType) => $"{problem.Line}{(isPadded ? " padded" : "")} filter {filterType.ShortName()}";

    private static long ConvertedBytes(Problem problem, ConvolutionProblem convolution, Choice choice, bool isPacked) =>
        !convolution.IsConverted(choice.FilterType) || isPacked != IsPacked(problem, convolution) ? 0
            : convolution.FilterShape.Elements * choice.FilterType.ByteSize();

    internal static bool IsPacked(Problem problem, ConvolutionProblem convolution) =>
        problem.ConstantWeights && convolution.Pass != ConvolutionPass.BackwardFilter;

    internal static string Words(ConvolutionPass pass) => pass switch
    {
        ConvolutionPass.Forward => "conv_fwd",
        ConvolutionPass.BackwardData => "conv_bwd_data",
        _ => "conv_bwd_filter",
    };
}
