using System.Numerics;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Reference;

/// <summary>One operation alone, in float32 or float64.</summary>
internal abstract class ReferenceKernel<TOperation>(WorkerPool workers) : Kernel
    where TOperation : Operation
{
    public override string Name => $"reference {typeof(TOperation).Name}";

    public override KernelSupport Check(Problem problem)
    {
        if (problem.Nodes.Length != 1 || problem.Operations[0] is not TOperation)
            return KernelSupport.No($"takes one {typeof(TOperation).Name}");
        foreach (Value value in problem.Values)
            if (value.Type is DataType.BFloat16 or DataType.Float16)
                return KernelSupport.No("takes f32 and f64");
        return KernelSupport.Yes;
    }

    public sealed override LoadedKernel Load(Problem problem, KernelArguments arguments) =>
        problem.Input(0, OperationTable.Of(problem.Operations[0]).ChainInput).Type == DataType.Float64
            ? Bind<double>(new Binding(problem, arguments, workers))
            : Bind<float>(new Binding(problem, arguments, workers));

    protected int Workers => workers.Workers;

    protected abstract LoadedKernel Bind<T>(Binding binding) where T : unmanaged, IFloatingPointIeee754<T>;

    protected static TOperation OperationOf(Binding binding) => (TOperation)binding.Problem.Operations[0];
}

/// <summary>What a loaded kernel works on.</summary>
internal sealed record Binding(Problem Problem, KernelArguments Arguments, WorkerPool Workers)
{
    private readonly ManagedArena _arena = (ManagedArena)Arguments.Arena;

    public int InputCount => Problem.Nodes[0].Inputs.Length;

    public int OutputCount => Problem.Nodes[0].Outputs.Length;

    public TensorShape InputShape(int slot) => Problem.Input(0, slot).Shape;

    public TensorShape OutputShape(int slot) => Problem.Output(0, slot).Shape;

    public Span<T> Input<T>(int slot) where T : unmanaged => _arena.Span<T>(Arguments[Problem.Nodes[0].Inputs[slot]]);

    public Span<T> Output<T>(int slot) where T : unmanaged => _arena.Span<T>(Arguments[Problem.Nodes[0].Outputs[slot]]);

    public double Scalar<T>(int slot) where T : unmanaged, IFloatingPointIeee754<T> =>
        double.CreateTruncating(Input<T>(slot)[0]);

    /// <summary>The part of the workspace that belongs to one worker.</summary>
    public Span<double> Workspace(int worker, int elements) =>
        _arena.Span<double>(Arguments.Workspace).Slice(worker * elements, elements);
}

/// <summary>A kernel whose work falls into independent items.</summary>
internal abstract class LoadedReference(Binding binding, int items) : LoadedKernel, IParallelWork
{
    protected Binding Binding { get; } = binding;

    public override void Run() => Binding.Workers.Run(this, items);

    public abstract void Do(int begin, int end, int worker);
}
