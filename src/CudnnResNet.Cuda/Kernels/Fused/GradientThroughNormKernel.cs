using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Cuda.Kernels.Own;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Fused;

/// <summary>
/// A convolution's data gradient, masked by the ReLU that it came through and summed for the batch norm before it while it
/// is written (cuDNN's DgradDreluBNBwdWeight); then the norm's input gradient in one pass.
/// </summary>
internal sealed class GradientThroughNormKernel(CudaSession session, int rank)
    : FusedEngineKernel(session, "cudnn_dgrad_relu_norm", rank)
{
    private const int Masked = 0;
    private const int ConvertedFilter = 1;

    /// <summary>What cuDNN's own last pass would take: three vectors that we have no use for.</summary>
    private const int FirstFactor = 2;

    protected override string? Refusal(Problem problem)
    {
        if (problem.Operations is not [ConvolutionBackwardData, NormReluBackward, BatchNormBackward]
            || problem.IsMaterialised(problem.Nodes[0].Outputs[0]) || problem.IsMaterialised(problem.Nodes[1].Outputs[0])
            || !NormGradientChain.ReadsWhatTheNormReads(problem.Nodes[1], problem.Nodes[2]))
            return "takes conv_bwd_data, norm_relu_bwd and bn_bwd of one norm";
        return problem.Input(0, 0).Type == DataType.Float16 ? null : "takes f16 alone";
    }

    protected override long[] PartBytes(Problem problem)
    {
        Value dx = problem.Output(0, 0), filter = problem.Input(0, 1);
        long vector = dx.Shape.C * sizeof(float);
        return [dx.Bytes, filter.Shape.Elements * dx.Type.ByteSize(), vector, vector, vector];
    }

    protected override void Build(Problem problem, OperationGraph graph)
    {
        Node mask = problem.Nodes[1], norm = problem.Nodes[2];
        Value dy = problem.Input(0, 0), filter = problem.Input(0, 1), x = problem[mask.Inputs[1]];
        GraphTensor w = graph.Part(ConvertedFilter, filter.Shape, dy.Type), gradient = graph.Virtual(x.Shape);
        GraphTensor inputs = graph.Of(x), gamma = graph.Of(problem[mask.Inputs[2]]);
        GraphTensor mean = graph.Of(problem[mask.Inputs[4]]), deviation = graph.Of(problem[mask.Inputs[5]]);
        graph.Convolution(ConvolutionPass.BackwardData, ((ConvolutionBackwardData)problem.Operations[0]).Geometry, gradient, w, graph.Of(dy));
        GraphTensor forward = graph.Normalised(x.Shape, inputs, mean, deviation, gamma, graph.Of(problem[mask.Inputs[3]]));
        GraphTensor masked = graph.Part(Masked, x.Shape, x.Type);
        graph.ReluBackward(gradient, forward, masked);
        TensorShape vector = TensorShape.Vector(x.Shape.C);
        GraphTensor Factor(int i) => graph.Part(FirstFactor + i, vector, DataType.Float32);
        graph.NormWeightGradients(masked, inputs, mean, deviation, gamma, graph.Of(problem[norm.Outputs[1]]),
            graph.Of(problem[norm.Outputs[2]]), Factor(0), Factor(1), Factor(2));
    }

    protected override IEnumerable<KernelLaunch> Before(Problem problem, Memory memory)
    {
        Value filter = problem.Input(0, 1);
        yield return Session.Casts.Create(filter.Type, memory.Of(filter.Id), problem.Input(0, 0).Type,
            memory.Part(ConvertedFilter), filter.Shape.Elements);
    }

    protected override IEnumerable<KernelLaunch> After(Problem problem, Memory memory)
    {
        Node norm = problem.Nodes[2];
        Value x = problem[norm.Inputs[1]];
        CUdeviceptr none = default;
        GradientSources sources = new(memory.Part(Masked), none, none, memory.Of(norm.Inputs[1]), memory.Of(norm.Inputs[2]), none,
            memory.Of(norm.Inputs[3]), memory.Of(norm.Inputs[4]));
        yield return Session.Launch("batch_norm.cu", $"batch_norm_input_gradient_{x.Type.ShortName()}",
            x.Shape.Elements * x.Type.ByteSize() / 16, [LaunchArgument.Of(sources), none, memory.Of(norm.Outputs[0]),
                memory.Of(norm.Outputs[1]), memory.Of(norm.Outputs[2]), x.Shape.Elements / x.Shape.C, x.Shape.C]);
    }
}
