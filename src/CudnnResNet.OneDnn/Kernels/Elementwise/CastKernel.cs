using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Simd;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Elementwise;

/// <summary>Between float32 and bf16.</summary>
internal sealed unsafe class CastKernel(ThreadTeam team) : Kernel
{
    public override string Name => "cast";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [Cast { To: var to }] ? KernelSupport.No("not a cast")
        : !ChainReader.HasComputableType(problem) || to is not (DataType.Float32 or DataType.BFloat16)
            ? KernelSupport.No("casts between f32 and bf16")
        : KernelSupport.Yes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Value x = problem.Input(0, 0), y = problem.Output(0, 0);
        return (x.Type, y.Type) switch
        {
            (DataType.Float32, DataType.BFloat16) => Loaded<Float32, BFloat16>(),
            (DataType.BFloat16, DataType.Float32) => Loaded<BFloat16, Float32>(),
            (DataType.BFloat16, DataType.BFloat16) => Loaded<BFloat16, BFloat16>(),
            _ => Loaded<Float32, Float32>(),
        };

        LoadedKernel Loaded<TFrom, TTo>() where TFrom : IElement where TTo : IElement =>
            new LoadedElementwise<ConvertBody<TFrom, TTo>>(
                team, x.Shape.Elements, TFrom.Bytes + TTo.Bytes, new(at[x.Id], at[y.Id]));
    }
}
