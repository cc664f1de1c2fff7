using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>SGD and what goes with it, on float32 parameters: blends, norms, clipping, trust ratios.</summary>
internal sealed class UpdateKernel(CudaSession session) : OwnKernel(session)
{
    /// <summary>Blocks that share out a norm; few enough for one block to add up.</summary>
    private const int MostPartialSums = 256;

    public override string Name => "update";

    public override long WorkspaceBytes(Problem problem) =>
        problem.Operations[0] is SquaredSum ? WorkspaceParts.Bytes(MostPartialSums * sizeof(double)) : 0;

    protected override string? Refusal(Problem problem) =>
        problem.Operations is not [SgdUpdate or Blend or SquaredSum or ClipScale or TrustRatio]
            ? "takes sgd, blend, squared_sum, clip_scale or trust_ratio alone"
            : problem.Input(0, 0).Type == DataType.Float32 ? null : "takes float32 parameters";

    protected override KernelLaunch[] Launches(Problem problem, Operands at)
    {
        const string Program = "optimizer.cu";
        long elements = problem.Input(0, 0).Shape.Elements;
        int inputs = problem.Nodes[0].Inputs.Length;
        CUdeviceptr none = default;
        switch (problem.Operations[0])
        {
            case SgdUpdate update:
                return [Session.Launch(Program, "sgd_update", elements / 4, [at.Input(0, 0), at.Input(0, 1), at.Input(0, 2), at.Input(0, 3),
                    update.IsScaled ? at.Input(0, 4) : none, update.IsTrusted ? at.Input(0, inputs - 1) : none, none, elements,
                    (float)update.Momentum, (float)update.WeightDecay, update.Nesterov ? 1 : 0])];
            case Blend blend:
                return [Session.Launch(Program, "blend", elements / 4,
                    [at.Input(0, 0), at.Input(0, 1), none, elements, (float)blend.Keep, (float)blend.Take])];
            case SquaredSum sum:
                CUdeviceptr partial = at.Workspace.Take(MostPartialSums * sizeof(double));
                int blocks = (int)Math.Clamp(elements / 1024, 1, MostPartialSums);
                return
                [
                    Session.Launch(Program, "squared_sum_partial", new Grid(blocks), [at.Input(0, 0), partial, elements]),
                    Session.Launch(Program, "squared_sum_finish", new Grid(1),
                        [partial, sum.Continues ? at.Input(0, 1) : none, at.Output(0, 0), blocks]),
                ];
            case ClipScale clip:
                return [Session.Launch(Program, "clip_scale", new Grid(1),
                    [at.Input(0, 0), at.Output(0, 0), (float)clip.MaxNorm])];
            default:
                TrustRatio ratio = (TrustRatio)problem.Operations[0];
                return [Session.Launch(Program, "trust_ratio", new Grid(1), [at.Input(0, 0), at.Input(0, 1),
                    ratio.IsScaled ? at.Input(0, 2) : none, at.Output(0, 0), (float)ratio.Coefficient, (float)ratio.WeightDecay])];
        }
    }
}
