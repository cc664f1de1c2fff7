using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>Batch norm by the batch's statistics, then optionally add, then optionally ReLU: x is read twice, y written once.</summary>
internal sealed class BatchNormTrainingKernel(CudaSession session) : OwnKernel(session)
{
    public override string Name => "bn_train";

    public override long WorkspaceBytes(Problem problem)
    {
        long vector = problem.Input(0, 0).Shape.C * sizeof(float);
        RowChunks chunks = Chunks(problem);
        return WorkspaceParts.Bytes(chunks.PartialBytes, chunks.PartialBytes, vector, vector);
    }

    public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
        output == problem.Nodes[^1].Outputs[0] ? problem.Nodes[0].Inputs[0] : null;

    protected override string? Refusal(Problem problem) =>
        problem.Operations[0] is not BatchNormTraining || !ChainTail.FollowsAlone(problem)
            ? "takes bn_train, then add and relu in this order"
            : RefusalOf(problem.Input(0, 0).Type);

    protected override KernelLaunch[] Launches(Problem problem, Operands at)
    {
        Value x = problem.Input(0, 0);
        BatchNormTraining operation = (BatchNormTraining)problem.Operations[0];
        RowChunks chunks = Chunks(problem);
        WorkspaceParts workspace = at.Workspace;
        CUdeviceptr means = workspace.Take(chunks.PartialBytes), squares = workspace.Take(chunks.PartialBytes);
        // Where nobody asks for the statistics, the norm itself still does.
        CUdeviceptr mean = Saved(1, ref workspace), deviation = Saved(2, ref workspace);
        string type = x.Type.ShortName();
        List<LaunchArgument> apply = [at.Input(0, 0)];
        string entry = "affine" + ChainTail.Append(problem, at.Of, apply);
        apply.Add(at.Output(problem.Nodes.Length - 1, 0));
        apply.Add(LaunchArgument.Of(new ChannelAffine(at.Input(0, 1), at.Input(0, 2), mean, deviation, default, 0)));
        apply.Add(chunks.Rows);
        apply.Add(chunks.Channels);
        return
        [
            Session.Launch("batch_norm.cu", $"batch_norm_moments_{type}", new Grid(chunks.Blocks),
                [at.Input(0, 0), means, squares, chunks.Rows, chunks.Channels, chunks.ChunkRows, chunks.Tiles]),
            Session.Launch("batch_norm.cu", "batch_norm_finish", new Grid(chunks.FinishBlocks),
                [means, squares, mean, deviation, at.Input(0, 3), at.Input(0, 4), chunks.Rows, chunks.Channels, chunks.ChunkRows,
                    chunks.Chunks, (float)operation.Epsilon, (float)operation.Momentum]),
            Session.Launch("pointwise.cu", $"{entry}_{type}", x.Shape.Elements * x.Type.ByteSize() / 16, CollectionsMarshal.AsSpan(apply)),
        ];

        CUdeviceptr Saved(int slot, ref WorkspaceParts parts)
        {
            CUdeviceptr spare = parts.Take(chunks.Channels * sizeof(float));
            ValueId id = problem.Nodes[0].Outputs[slot];
            return problem.IsMaterialised(id) ? at.Of(id) : spare;
        }
    }

    private RowChunks Chunks(Problem problem) =>
        RowChunks.Of(problem.Input(0, 0).Shape, problem.Input(0, 0).Type, Session.Device.Multiprocessors);
}
