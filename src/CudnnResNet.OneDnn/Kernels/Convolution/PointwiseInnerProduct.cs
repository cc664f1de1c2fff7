using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Primitives;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>
/// A 1x1 convolution of stride 1 is a product of matrices: positions times channels. As such its gradients need no
/// packing of the filter; on some extents that is a quarter faster than oneDNN's convolution.
/// </summary>
internal static class PointwiseInnerProduct
{
    internal static KernelSupport Check(ConvolutionGeometry g, DataType type) =>
        type != DataType.Float32 ? KernelSupport.No("products take f32")
        : g is not { R: 1, S: 1, Stride: 1, Padding: 0 } ? KernelSupport.No("products take 1x1 filters of stride 1")
        : KernelSupport.Yes;

    internal static LinearPrimitives Primitives(PrimitiveFactory factory, int images, ConvolutionGeometry g) =>
        new(factory, checked(images * g.H * g.W), g.C, g.K);
}
