using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Cuda.Kernels.Fused;

/// <summary>
/// A chain of which one of cuDNN's engines does the larger part as one operation graph, with own kernels before and
/// behind it. Where no engine takes the graph, the entry refuses, and the chain is cut as if there were no such entry.
/// </summary>
internal abstract class FusedEngineKernel(CudaSession session, string name, int rank) : Kernel
{
    protected CudaSession Session => session;

    public sealed override string Name { get; } = $"{name}_{rank}";

    public sealed override bool MayRefuseToRun => true;

    public sealed override KernelSupport Check(Problem problem) =>
        (Refusal(problem) ?? Find(problem, rank, out _)) is { } refusal ? KernelSupport.No(refusal) : KernelSupport.Yes;

    public sealed override long WorkspaceBytes(Problem problem) =>
        WorkspaceParts.Bytes([Require(problem).WorkspaceBytes, .. PartBytes(problem)]);

    public sealed override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        EnginePlan plan = Require(problem);
        WorkspaceParts workspace = new(arguments.AddressOf(arguments.Workspace));
        CUdeviceptr ofEngine = workspace.Take(plan.WorkspaceBytes);
        long[] bytes = PartBytes(problem);
        CUdeviceptr[] parts = new CUdeviceptr[bytes.Length];
        for (int i = 0; i < parts.Length; i++)
            parts[i] = workspace.Take(bytes[i]);
        Memory memory = new(problem, arguments, parts);
        int next = rank;
        using ContextScope scope = session.Device.Enter();
        EngineRun run = new(session, problem.Line, () => Find(problem, next++, out EnginePlan? found) is null ? found : null,
            session.Engines.Bindings(Key(problem)), memory.Of, ofEngine, plan.WorkspaceBytes);
        try
        {
            return new Loaded(session, Key(problem), [.. Before(problem, memory)], run, [.. After(problem, memory)]);
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    /// <summary>Why the chain is not of this kind; null where engines may be asked.</summary>
    protected abstract string? Refusal(Problem problem);

    /// <summary>Adds tensors and operations.</summary>
    protected abstract void Build(Problem problem, OperationGraph graph);

    /// <summary>The sizes of the kernel's own memory, by part.</summary>
    protected abstract long[] PartBytes(Problem problem);

    protected virtual IEnumerable<KernelLaunch> Before(Problem problem, Memory memory) => [];

    protected virtual IEnumerable<KernelLaunch> After(Problem problem, Memory memory) => [];

    /// <summary>Where the problem's values and the kernel's own parts lie.</summary>
    protected sealed class Memory(Problem problem, KernelArguments arguments, CUdeviceptr[] parts)
    {
        internal CUdeviceptr Of(TensorBinding binding) => binding.Value is { } value ? Of(value) : parts[binding.Part];

        internal CUdeviceptr Of(ValueId value) => arguments.AddressOf(arguments[value]);

        internal CUdeviceptr Part(int part) => parts[part];

        /// <summary>The value's own place, or a part where nobody else wants it.</summary>
        internal CUdeviceptr OfOr(ValueId value, int part) => problem.IsMaterialised(value) ? Of(value) : parts[part];
    }

    private string Key(Problem problem) => $"{name} {problem.Line}";

    private string? Find(Problem problem, int atRank, out EnginePlan? plan) =>
        session.Engines.Find(Key(problem), atRank, problem.Output(0, 0).Type, graph => Build(problem, graph), out plan);

    private EnginePlan Require(Problem problem) => Find(problem, rank, out EnginePlan? plan) is { } refusal
        ? throw new InvalidOperationException($"{Name} does not take '{problem}': {refusal}")
        : plan!;

    private sealed class Loaded(CudaSession session, string key, KernelLaunch[] before, EngineRun run, KernelLaunch[] after)
        : DeviceKernel(session.Device), IKeepsEngine
    {
        public void KeepEngine() => session.Engines.Keep(key, run.Plan);

        protected override void Enqueue()
        {
            foreach (KernelLaunch launch in before)
                launch.Run(Device.Stream);
            try
            {
                run.Enqueue();
            }
            catch (CudnnException error) when (error.Status.IsRefusal)
            {
                throw new KernelRefusedException(error.Message, error);
            }
            foreach (KernelLaunch launch in after)
                launch.Run(Device.Stream);
        }

        protected override void Release()
        {
            run.Dispose();
            foreach (KernelLaunch launch in before)
                launch.Dispose();
            foreach (KernelLaunch launch in after)
                launch.Dispose();
        }
    }
}
