using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Pointwise;

/// <summary>
/// dy where a batch norm's result is positive, from the norm's input. This backend does not ask for it by itself; a graph
/// that has it is run all the same, element by element.
/// </summary>
internal sealed unsafe class NormReluBackwardKernel : Kernel
{
    public override string Name => "norm_relu_bwd";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [NormReluBackward] ? KernelSupport.No("takes norm_relu_bwd alone")
        : problem.Input(0, 0).Type is not (DataType.Float32 or DataType.BFloat16) ? KernelSupport.No("takes f32 and bf16")
        : KernelSupport.Yes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        TensorShape shape = problem.Input(0, 0).Shape;
        return new Loaded(problem.Input(0, 0).Type, at[node.Inputs[0]], at[node.Inputs[1]], at.Floats(node.Inputs[2]),
            at.Floats(node.Inputs[3]), at.Floats(node.Inputs[4]), at.Floats(node.Inputs[5]), at[node.Outputs[0]], shape.Elements, shape.C);
    }

    private sealed class Loaded(DataType type, byte* dy, byte* x, float* gamma, float* beta, float* mean, float* deviation,
        byte* dx, long elements, int channels) : LoadedKernel
    {
        public override void Run()
        {
            for (long i = 0; i < elements; i++)
            {
                long c = i % channels;
                float value = type == DataType.Float32 ? ((float*)x)[i] : BitConverter.UInt32BitsToSingle((uint)((ushort*)x)[i] << 16);
                bool passes = MathF.FusedMultiplyAdd(value - mean[c], gamma[c] * deviation[c], beta[c]) > 0;
                if (type == DataType.Float32)
                    ((float*)dx)[i] = passes ? ((float*)dy)[i] : 0;
                else
                    ((ushort*)dx)[i] = passes ? ((ushort*)dy)[i] : (ushort)0;
            }
        }
    }
}
