using System.Collections.Immutable;
using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Cuda.Kernels.Own;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Fused;

/// <summary>
/// Convolutions of a residual block in training with the batch norms and ReLUs between them: each engine normalises its
/// input while it reads it and sums its results by channel while it writes them (cuDNN's ConvBNfprop). No activation
/// between two convolutions lies in memory. The last norm, with add and ReLU, is one pass.
/// </summary>
internal sealed class ConvolutionChainKernel(CudaSession session, int rank) : Kernel
{
    /// <summary>Memory of the kernel's own, by link.</summary>
    private enum Part
    {
        Sums,
        Squares,
        Scale,
        Bias,
        Filter,
        Count,
    }

    public override string Name { get; } = $"cudnn_conv_chain_{rank}";

    public override bool MayRefuseToRun => true;

    public override KernelSupport Check(Problem problem)
    {
        if (Links(problem) is not { } links)
            return KernelSupport.No("takes conv_fwd and bn_train, whose results are kept, then relu, conv_fwd and bn_train in turn, then add and relu");
        if (problem.Input(0, 0).Type != DataType.Float16)
            return KernelSupport.No("takes f16 alone");
        foreach (int conv in links)
            if (Find(problem, conv, rank, out _) is { } refusal)
                return KernelSupport.No(refusal);
        return KernelSupport.Yes;
    }

    public override long WorkspaceBytes(Problem problem) => WorkspaceParts.Bytes([Links(problem)!.Value.Max(conv => Require(problem, conv).WorkspaceBytes),
        .. PartBytes(problem)]);

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        ImmutableArray<int> links = Links(problem)!.Value;
        WorkspaceParts workspace = new(arguments.AddressOf(arguments.Workspace));
        long ofEngines = links.Max(conv => Require(problem, conv).WorkspaceBytes);
        CUdeviceptr shared = workspace.Take(ofEngines);
        long[] bytes = PartBytes(problem);
        CUdeviceptr[] parts = new CUdeviceptr[bytes.Length];
        for (int i = 0; i < parts.Length; i++)
            parts[i] = workspace.Take(bytes[i]);

        CUdeviceptr Of(ValueId id) => arguments.AddressOf(arguments[id]);
        using ContextScope scope = session.Device.Enter();
        List<Step> steps = [];
        for (int link = 0; link < links.Length; link++)
        {
            int conv = links[link], next = rank;
            Value filter = problem.Input(conv, 1), y = problem.Output(conv, 0);
            steps.Add(Step.Of(session.Casts.Create(filter.Type, Of(filter.Id), DataType.Float16, parts[PartOf(link, Part.Filter)], filter.Shape.Elements)));
            EngineRun run = new(session, problem.Line, () => Find(problem, conv, next++, out EnginePlan? found) is null ? found : null,
                session.Engines.Bindings(Key(problem, conv)), binding => binding.Value is { } value ? Of(value) : parts[binding.Part],
                shared, ofEngines);
            steps.Add(new Step(null, run, Key(problem, conv)));
            Node norm = problem.Nodes[conv + 1];
            BatchNormTraining options = (BatchNormTraining)norm.Operation;
            CUdeviceptr mean = Of(norm.Outputs[1]), deviation = Of(norm.Outputs[2]);
            int channels = y.Shape.C;
            long rows = y.Shape.Elements / channels;
            steps.Add(Step.Of(session.Launch("batch_norm.cu", "batch_norm_finish_sums", new Grid((channels + CudaSession.Threads - 1) / CudaSession.Threads),
                [parts[PartOf(link, Part.Sums)], parts[PartOf(link, Part.Squares)], mean, deviation, Of(norm.Inputs[3]), Of(norm.Inputs[4]), rows,
                    channels, (float)options.Epsilon, (float)options.Momentum])));
            steps.Add(Step.Of(link < links.Length - 1
                ? Prologue.Fold(session, channels, Of(norm.Inputs[1]), Of(norm.Inputs[2]), mean, deviation,
                    parts[PartOf(link, Part.Scale)], parts[PartOf(link, Part.Bias)])
                : Ending(problem, conv, Of, mean, deviation, rows)));
        }
        return new Loaded(session, [.. steps]);
    }

    /// <summary>The positions of the convolutions; null where the problem is no such chain of two at least.</summary>
    private static ImmutableArray<int>? Links(Problem problem)
    {
        ImmutableArray<int>.Builder links = ImmutableArray.CreateBuilder<int>();
        int at = 0;
        while (true)
        {
            if (at + 1 >= problem.Nodes.Length || problem.Operations[at] is not ConvolutionForward || problem.Nodes[at].Inputs.Length != 2
                || problem.Operations[at + 1] is not BatchNormTraining || !problem.IsMaterialised(problem.Nodes[at].Outputs[0]))
                return null;
            links.Add(at);
            if (at + 3 >= problem.Nodes.Length || problem.Operations[at + 2] is not Relu || problem.Operations[at + 3] is not ConvolutionForward)
                return links.Count >= 2 && ChainTail.FollowsAlone(problem, head: at + 1) ? links.ToImmutable() : null;
            if (problem.IsMaterialised(problem.Nodes[at + 1].Outputs[0]) || problem.IsMaterialised(problem.Nodes[at + 2].Outputs[0]))
                return null;
            at += 3;
        }
    }

    private static int PartOf(int link, Part part) => link * (int)Part.Count + (int)part;

    private static long[] PartBytes(Problem problem)
    {
        ImmutableArray<int> links = Links(problem)!.Value;
        long[] bytes = new long[links.Length * (int)Part.Count];
        for (int link = 0; link < links.Length; link++)
        {
            long channels = problem.Output(links[link], 0).Shape.C;
            bytes[PartOf(link, Part.Sums)] = bytes[PartOf(link, Part.Squares)] = channels * sizeof(float);
            bytes[PartOf(link, Part.Scale)] = bytes[PartOf(link, Part.Bias)] = channels * DataType.Float16.ByteSize();
            bytes[PartOf(link, Part.Filter)] = problem.Input(links[link], 1).Shape.Elements * DataType.Float16.ByteSize();
        }
        return bytes;
    }

    private static void Build(Problem problem, int conv, OperationGraph graph)
    {
        int link = conv / 3;
        Value filter = problem.Input(conv, 1), y = problem.Output(conv, 0);
        GraphTensor x = link == 0
            ? graph.Of(problem.Input(0, 0))
            : Prologue.Append(graph, problem.Output(conv - 3, 0), PartOf(link - 1, Part.Scale), PartOf(link - 1, Part.Bias));
        graph.Convolution(ConvolutionPass.Forward, ((ConvolutionForward)problem.Operations[conv]).Geometry, x,
            graph.Part(PartOf(link, Part.Filter), filter.Shape, DataType.Float16), graph.Of(y));
        TensorShape vector = TensorShape.Vector(y.Shape.C);
        graph.ChannelSums(graph.Of(y), graph.Part(PartOf(link, Part.Sums), vector, DataType.Float32),
            graph.Part(PartOf(link, Part.Squares), vector, DataType.Float32));
    }

    /// <summary>The last norm, with what follows it.</summary>
    private KernelLaunch Ending(Problem problem, int conv, Func<ValueId, CUdeviceptr> of, CUdeviceptr mean, CUdeviceptr deviation, long rows)
    {
        Value y = problem.Output(conv, 0);
        Node norm = problem.Nodes[conv + 1];
        List<LaunchArgument> apply = [of(y.Id)];
        string entry = "affine" + ChainTail.Append(problem, of, apply, head: conv + 1);
        apply.Add(of(problem.Nodes[^1].Outputs[0]));
        apply.Add(LaunchArgument.Of(new ChannelAffine(of(norm.Inputs[1]), of(norm.Inputs[2]), mean, deviation, default, 0)));
        apply.Add(rows);
        apply.Add(y.Shape.C);
        return session.Launch("pointwise.cu", $"{entry}_{y.Type.ShortName()}", y.Shape.Elements * y.Type.ByteSize() / 16,
            CollectionsMarshal.AsSpan(apply));
    }

    private string? Find(Problem problem, int conv, int atRank, out EnginePlan? plan) =>
        session.Engines.Find(Key(problem, conv), atRank, DataType.Float16, graph => Build(problem, conv, graph), out plan);

    private EnginePlan Require(Problem problem, int conv) => Find(problem, conv, rank, out EnginePlan? plan) is { } refusal
        ? throw new InvalidOperationException($"{Name} does not take '{problem}': {refusal}")
        : plan!;

    private static string Key(Problem problem, int conv) => $"cudnn_conv_chain {conv / 3} {problem.Line}";

    /// <summary>A launch, or an engine and what it is kept under.</summary>
    private readonly record struct Step(KernelLaunch? Launch, EngineRun? Engine, string Key)
    {
        internal static Step Of(KernelLaunch launch) => new(launch, null, "");
    }

    private sealed class Loaded(CudaSession session, Step[] steps) : DeviceKernel(session.Device), IKeepsEngine
    {
        public void KeepEngine()
        {
            foreach (Step step in steps)
                if (step.Engine is { } engine)
                    session.Engines.Keep(step.Key, engine.Plan);
        }

        protected override void Enqueue()
        {
            foreach (Step step in steps)
            {
                step.Launch?.Run(Device.Stream);
                if (step.Engine is not { } engine)
                    continue;
                try
                {
                    engine.Enqueue();
                }
                catch (CudnnException error) when (error.Status.IsRefusal)
                {
                    throw new KernelRefusedException(error.Message, error);
                }
            }
        }

        protected override void Release()
        {
            foreach (Step step in steps)
            {
                step.Launch?.Dispose();
                step.Engine?.Dispose();
            }
        }
    }
}
