using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>One tensor of optimizer.cu's sgd_update.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SgdRow(CUdeviceptr W, CUdeviceptr Dw, CUdeviceptr Velocity, CUdeviceptr Rate,
    CUdeviceptr GradientScale, CUdeviceptr Trust, CUdeviceptr Overflow, long Elements, float Momentum, float WeightDecay,
    int Nesterov, int Reserved = 0);

/// <summary>One tensor of optimizer.cu's blend.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct BlendRow(CUdeviceptr Y, CUdeviceptr X, CUdeviceptr Overflow, long Elements, float Keep, float Take);

/// <summary>One tensor of loss_scaling.cu's find_overflow.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct OverflowRow(CUdeviceptr X, CUdeviceptr Overflow, long Elements);

/// <summary>SGD and LARS on float32 parameters.</summary>
internal sealed class SgdKernel(CudaSession session) : TableKernel<SgdRow>(session, "optimizer.cu", "sgd_update")
{
    protected override bool Takes(Problem problem) => problem.Operations is [SgdUpdate];

    protected override SgdRow Row(Problem problem, Operands at)
    {
        SgdUpdate update = (SgdUpdate)problem.Operations[0];
        int next = 4;
        return new SgdRow(at.Input(0, 0), at.Input(0, 1), at.Input(0, 2), at.Input(0, 3), Optional(update.IsScaled),
            Optional(update.IsTrusted), Optional(update.IsGuarded), problem.Input(0, 0).Shape.Elements,
            (float)update.Momentum, (float)update.WeightDecay, update.Nesterov ? 1 : 0);

        CUdeviceptr Optional(bool isThere) => isThere ? at.Input(0, next++) : default;
    }
}

/// <summary>Sums and moving averages of float32 tensors.</summary>
internal sealed class BlendKernel(CudaSession session) : TableKernel<BlendRow>(session, "optimizer.cu", "blend")
{
    protected override bool Takes(Problem problem) => problem.Operations is [Blend];

    protected override BlendRow Row(Problem problem, Operands at)
    {
        Blend blend = (Blend)problem.Operations[0];
        return new BlendRow(at.Input(0, 0), at.Input(0, 1), blend.IsGuarded ? at.Input(0, 2) : default,
            problem.Input(0, 0).Shape.Elements, (float)blend.Keep, (float)blend.Take);
    }
}

/// <summary>Looks for gradients that are not finite. Tensors of a group share the flag: each only ever raises it.</summary>
internal sealed class FindOverflowKernel(CudaSession session)
    : TableKernel<OverflowRow>(session, "loss_scaling.cu", "find_overflow")
{
    protected override bool Takes(Problem problem) => problem.Operations is [FindOverflow];

    protected override OverflowRow Row(Problem problem, Operands at) =>
        new(at.Input(0, 0), at.Input(0, 1), problem.Input(0, 0).Shape.Elements);
}
