using CudnnResNet.Cuda.Device;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>ReLU and its gradient, sums of two, a sum with what follows it, and casts.</summary>
internal sealed class PointwiseKernel(CudaSession session) : OwnKernel(session)
{
    public override string Name => "pointwise";

    public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
        problem.Operations[0] is Cast ? null : problem.Nodes[0].Inputs[0];

    protected override string? Refusal(Problem problem)
    {
        if (problem.Nodes.Length > 1 && problem.IsMaterialised(problem.Nodes[0].Outputs[0]))
            return "keeps no intermediate";
        return problem.Operations switch
        {
            [Relu] or [ReluBackward] or [NormReluBackward] or [Add] or [Add, Relu] or [Add, ReluBackward] => RefusalOf(problem.Input(0, 0).Type),
            [Cast { To: var to }] => RefusalOf(problem.Input(0, 0).Type) ?? RefusalOf(to),
            _ => "takes relu, relu_bwd, norm_relu_bwd, add, add and either, and cast",
        };
    }

    protected override KernelLaunch[] Launches(Problem problem, Operands at)
    {
        Value a = problem.Input(0, 0);
        long elements = a.Shape.Elements;
        if (problem.Operations[0] is Cast cast)
            return [Session.Casts.Create(a.Type, at.Input(0, 0), cast.To, at.Output(0, 0), elements)];
        string type = a.Type.ShortName();
        int last = problem.Nodes.Length - 1;
        (string entry, LaunchArgument[] arguments) = problem.Operations switch
        {
            [Relu] => ("relu", (LaunchArgument[])[at.Input(0, 0), at.Output(0, 0), elements]),
            [ReluBackward] => ("relu_backward", [at.Input(0, 0), at.Input(0, 1), at.Output(0, 0), elements]),
            [NormReluBackward] => ("norm_relu_backward", [at.Input(0, 0), at.Input(0, 1), at.Output(0, 0), at.Input(0, 2),
                at.Input(0, 3), at.Input(0, 4), at.Input(0, 5), elements / a.Shape.C, a.Shape.C]),
            [Add] => ("add", [at.Input(0, 0), at.Input(0, 1), at.Output(0, 0), elements]),
            [Add, Relu] => ("add_relu", [at.Input(0, 0), at.Input(0, 1), at.Output(last, 0), elements]),
            _ => ("add_relu_backward", [at.Input(0, 0), at.Input(0, 1), at.Input(last, 1), at.Output(last, 0), elements]),
        };
        return [Session.Launch("pointwise.cu", $"{entry}_{type}", elements * a.Type.ByteSize() / 16, arguments)];
    }
}
