using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>Batch norm by known statistics, or scale and bias; then optionally add, then optionally ReLU, in one pass.</summary>
internal sealed class AffineKernel(CudaSession session) : OwnKernel(session)
{
    public override string Name => "affine";

    public override ValueId? MayOverwrite(Problem problem, ValueId output) => problem.Nodes[0].Inputs[0];

    protected override string? Refusal(Problem problem)
    {
        if (problem.Operations[0] is not (BatchNormInference or BatchNormApply or ScaleBias) || !ChainTail.FollowsAlone(problem))
            return "takes bn_infer, bn_apply or scale_bias, then add and relu in this order";
        return RefusalOf(problem.Input(0, 0).Type);
    }

    protected override KernelLaunch[] Launches(Problem problem, Operands at)
    {
        Value x = problem.Input(0, 0);
        int last = problem.Nodes.Length - 1;
        CUdeviceptr none = default;
        ChannelAffine vectors = problem.Operations[0] switch
        {
            BatchNormInference bn => new(at.Input(0, 1), at.Input(0, 2), at.Input(0, 3), none, at.Input(0, 4), (float)bn.Epsilon),
            BatchNormApply => new(at.Input(0, 1), at.Input(0, 2), at.Input(0, 3), at.Input(0, 4), none, 0),
            _ => new(at.Input(0, 1), at.Input(0, 2), none, none, none, 0),
        };
        List<LaunchArgument> arguments = [at.Input(0, 0)];
        string entry = "affine" + ChainTail.Append(problem, at.Of, arguments);
        arguments.Add(at.Output(last, 0));
        arguments.Add(LaunchArgument.Of(vectors));
        arguments.Add(x.Shape.Elements / x.Shape.C);
        arguments.Add(x.Shape.C);
        return [Session.Launch("pointwise.cu", $"{entry}_{x.Type.ShortName()}", x.Shape.Elements * x.Type.ByteSize() / 16,
            CollectionsMarshal.AsSpan(arguments))];
    }
}
