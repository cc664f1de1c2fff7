using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>batch_norm.cu's structure of the same name; what is null is left out.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct GradientSources(CUdeviceptr Dy, CUdeviceptr Other, CUdeviceptr Y, CUdeviceptr X,
    CUdeviceptr Gamma, CUdeviceptr Beta, CUdeviceptr Mean, CUdeviceptr InverseDeviation);

/// <summary>
/// The gradients of a batch norm, with the join of two gradients and the mask of the ReLU before it, and the join behind
/// it, where they are part of the problem. The masked gradient is written on the way where somebody else reads it; the
/// second pass then reads it instead of what it was made of.
/// </summary>
internal sealed class BatchNormBackwardKernel(CudaSession session) : OwnKernel(session)
{
    public override string Name => "bn_bwd";

    public override long WorkspaceBytes(Problem problem)
    {
        RowChunks chunks = Chunks(problem);
        long vector = chunks.Channels * sizeof(float);
        return WorkspaceParts.Bytes(chunks.PartialBytes, chunks.PartialBytes, vector, vector);
    }

    public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
        output == problem.Nodes[^1].Outputs[0] ? NormGradientChain.Of(problem)!.Norm.Inputs[1] : null;

    protected override string? Refusal(Problem problem) => NormGradientChain.Of(problem) is null
        ? "takes add, relu_bwd or norm_relu_bwd, bn_bwd and add in this order"
        : RefusalOf(problem.Input(0, 0).Type);

    protected override KernelLaunch[] Launches(Problem problem, Operands at)
    {
        NormGradientChain chain = NormGradientChain.Of(problem)!;
        Node norm = chain.Norm;
        string type = problem.Input(0, 0).Type.ShortName();
        RowChunks chunks = Chunks(problem);
        WorkspaceParts workspace = at.Workspace;
        CUdeviceptr sums = workspace.Take(chunks.PartialBytes), products = workspace.Take(chunks.PartialBytes);
        CUdeviceptr dgamma = Vector(1, ref workspace), dbeta = Vector(2, ref workspace);
        CUdeviceptr none = default;
        GradientSources sources = new(at.Of(chain.Dy), chain.Other is { } other ? at.Of(other) : none,
            chain.Result is { } y ? at.Of(y) : none, at.Of(norm.Inputs[1]), at.Of(norm.Inputs[2]),
            chain.Beta is { } beta ? at.Of(beta) : none, at.Of(norm.Inputs[3]), at.Of(norm.Inputs[4]));
        string mask = chain.Result is not null ? "_masked" : chain.Beta is not null ? "_recomputed" : "";
        CUdeviceptr written = chain.Written is { } value ? at.Of(value) : none;
        (GradientSources again, string maskAgain) = chain.Written is null
            ? (sources, mask)
            : (sources with { Dy = written, Other = none, Y = none }, "");
        return
        [
            Session.Launch("batch_norm.cu", $"batch_norm_gradients{mask}_{type}", new Grid(chunks.Blocks),
                [LaunchArgument.Of(sources), written, sums, products, chunks.Rows, chunks.Channels, chunks.ChunkRows, chunks.Tiles]),
            Session.Launch("batch_norm.cu", "batch_norm_finish_gradients", new Grid(chunks.FinishBlocks),
                [sums, products, sources.InverseDeviation, dgamma, dbeta, chunks.Channels, chunks.Chunks]),
            Session.Launch("batch_norm.cu", $"batch_norm_input_gradient{maskAgain}_{type}",
                chunks.Rows * chunks.Channels * problem.Input(0, 0).Type.ByteSize() / 16,
                [LaunchArgument.Of(again), chain.Joined is { } joined ? at.Of(joined) : none, at.Output(problem.Nodes.Length - 1, 0),
                    dgamma, dbeta, chunks.Rows, chunks.Channels]),
        ];

        CUdeviceptr Vector(int slot, ref WorkspaceParts parts)
        {
            CUdeviceptr spare = parts.Take(chunks.Channels * sizeof(float));
            return problem.IsMaterialised(norm.Outputs[slot]) ? at.Of(norm.Outputs[slot]) : spare;
        }
    }

    private RowChunks Chunks(Problem problem) =>
        RowChunks.Of(problem.Input(0, 0).Shape, problem.Input(0, 0).Type, Session.Device.Multiprocessors);
}
