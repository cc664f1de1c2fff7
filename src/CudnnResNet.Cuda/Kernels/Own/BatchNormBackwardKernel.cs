using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>
/// The gradients of a batch norm, with the mask of the ReLU behind it where that is part of the problem. The masked
/// gradient is written on the way where somebody else reads it.
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
        output == problem.Nodes[^1].Outputs[0] ? problem.Nodes[^1].Inputs[1] : null;

    protected override string? Refusal(Problem problem) =>
        problem.Operations is not ([BatchNormBackward] or [ReluBackward, BatchNormBackward])
            ? "takes bn_bwd, or relu_bwd and bn_bwd"
            : RefusalOf(problem.Input(0, 0).Type);

    protected override KernelLaunch[] Launches(Problem problem, Operands at)
    {
        int norm = problem.Nodes.Length - 1;
        bool masks = norm == 1;
        Node node = problem.Nodes[norm];
        string ending = (masks ? "_masked_" : "_") + problem.Input(0, 0).Type.ShortName();
        RowChunks chunks = Chunks(problem);
        WorkspaceParts workspace = at.Workspace;
        CUdeviceptr sums = workspace.Take(chunks.PartialBytes), products = workspace.Take(chunks.PartialBytes);
        CUdeviceptr dgamma = Vector(1, ref workspace), dbeta = Vector(2, ref workspace);
        CUdeviceptr dy = at.Input(0, 0), x = at.Of(node.Inputs[1]), gamma = at.Of(node.Inputs[2]);
        CUdeviceptr y = masks ? at.Input(0, 1) : default;
        CUdeviceptr masked = masks ? at.OfWritten(problem.Nodes[0].Outputs[0]) : default;
        CUdeviceptr mean = at.Of(node.Inputs[3]), deviation = at.Of(node.Inputs[4]);
        return
        [
            Session.Launch("batch_norm.cu", $"batch_norm_gradients{ending}", new Grid(chunks.Blocks),
                [dy, y, x, masked, mean, sums, products, chunks.Rows, chunks.Channels, chunks.ChunkRows, chunks.Tiles]),
            Session.Launch("batch_norm.cu", "batch_norm_finish_gradients", new Grid(chunks.FinishBlocks),
                [sums, products, deviation, dgamma, dbeta, chunks.Channels, chunks.Chunks]),
            Session.Launch("batch_norm.cu", $"batch_norm_input_gradient{ending}", chunks.Rows * chunks.Channels * problem.Input(0, 0).Type.ByteSize() / 16,
                [dy, y, x, at.Of(node.Outputs[0]), gamma, mean, deviation, dgamma, dbeta, chunks.Rows, chunks.Channels]),
        ];

        CUdeviceptr Vector(int slot, ref WorkspaceParts parts)
        {
            CUdeviceptr spare = parts.Take(chunks.Channels * sizeof(float));
            return problem.IsMaterialised(node.Outputs[slot]) ? at.Of(node.Outputs[slot]) : spare;
        }
    }

    private RowChunks Chunks(Problem problem) =>
        RowChunks.Of(problem.Input(0, 0).Shape, problem.Input(0, 0).Type, Session.Device.Multiprocessors);
}
