using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>Norms of weights and gradients, and the factors that clipping and LARS make of them.</summary>
internal sealed class NormKernel(CudaSession session) : OwnKernel(session)
{
    /// <summary>Blocks that share out a norm; few enough for one block to add up.</summary>
    private const int MostPartialSums = 256;

    public override string Name => "norms";

    public override long WorkspaceBytes(Problem problem) =>
        problem.Operations[0] is SquaredSum ? WorkspaceParts.Bytes(MostPartialSums * sizeof(double)) : 0;

    protected override string? Refusal(Problem problem) => problem.Operations is not [SquaredSum or ClipScale or TrustRatio]
        ? "takes squared_sum, clip_scale or trust_ratio alone"
        : problem.Input(0, 0).Type == DataType.Float32 ? null : "takes float32";

    protected override KernelLaunch[] Launches(Problem problem, Operands at)
    {
        const string Program = "optimizer.cu";
        CUdeviceptr none = default;
        switch (problem.Operations[0])
        {
            case SquaredSum sum:
                long elements = problem.Input(0, 0).Shape.Elements;
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
                    [at.Input(0, 0), clip.IsScaled ? at.Input(0, 1) : none, at.Output(0, 0), (float)clip.MaxNorm])];
            default:
                TrustRatio ratio = (TrustRatio)problem.Operations[0];
                return [Session.Launch(Program, "trust_ratio", new Grid(1), [at.Input(0, 0), at.Input(0, 1),
                    ratio.IsScaled ? at.Input(0, 2) : none, at.Output(0, 0), (float)ratio.Coefficient, (float)ratio.WeightDecay])];
        }
    }
}
