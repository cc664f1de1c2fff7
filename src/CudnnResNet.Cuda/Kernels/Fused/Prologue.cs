using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Fused;

/// <summary>Batch norm and ReLU as what an engine does to an operand while it reads it: scale and bias in fp16, then ReLU.</summary>
internal static class Prologue
{
    /// <param name="graph">Where to.</param>
    /// <param name="x">What the norm read, in fp16.</param>
    /// <param name="scale">The number of the scale among the kernel's own memory.</param>
    /// <param name="bias">That of the bias.</param>
    /// <returns>What the product reads: rounded to fp16, never in memory.</returns>
    internal static GraphTensor Append(OperationGraph graph, Value x, int scale, int bias)
    {
        TensorShape vector = TensorShape.Vector(x.Shape.C);
        GraphTensor scaled = graph.Virtual(x.Shape), shifted = graph.Virtual(x.Shape), rectified = graph.Virtual(x.Shape, x.Type);
        graph.Pointwise(cudnnPointwiseMode_t.CUDNN_POINTWISE_MUL, graph.Of(x), graph.Part(scale, vector, x.Type), scaled);
        graph.Pointwise(cudnnPointwiseMode_t.CUDNN_POINTWISE_ADD, scaled, graph.Part(bias, vector, x.Type), shifted);
        graph.Pointwise(cudnnPointwiseMode_t.CUDNN_POINTWISE_RELU_FWD, shifted, null, rectified);
        return rectified;
    }

    /// <summary>Makes scale and bias of a norm's parameters and saved statistics.</summary>
    internal static KernelLaunch Fold(CudaSession session, int channels, CUdeviceptr gamma, CUdeviceptr beta, CUdeviceptr mean,
        CUdeviceptr inverseDeviation, CUdeviceptr scale, CUdeviceptr bias) =>
        session.Launch("batch_norm.cu", "batch_norm_fold_f16", new Grid((channels + CudaSession.Threads - 1) / CudaSession.Threads),
            [gamma, beta, mean, inverseDeviation, scale, bias, channels]);
}
