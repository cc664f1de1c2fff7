using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels;

/// <summary>The factor that clips gradients, from their squared norm.</summary>
internal sealed unsafe class ClipScaleKernel : Kernel
{
    public override string Name => "clip_scale";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [ClipScale] ? KernelSupport.No("not a clip_scale")
        : problem.Input(0, 0).Type != DataType.Float32 ? KernelSupport.No("takes f32")
        : KernelSupport.Yes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        ClipScale clip = (ClipScale)node.Operation;
        return new Loaded(at.Floats(node.Inputs[0]), clip.IsScaled ? at.Floats(node.Inputs[1]) : null, at.Floats(node.Outputs[0]), clip.MaxNorm);
    }

    private sealed class Loaded(float* squaredNorm, float* inverse, float* scale, double maxNorm) : LoadedKernel
    {
        public override void Run()
        {
            double unscale = inverse == null ? 1 : *inverse;
            *scale = (float)(unscale * Math.Min(1, maxNorm / (unscale * Math.Sqrt(*squaredNorm) + ClipScale.Epsilon)));
        }
    }
}

/// <summary>The rate of one tensor in LARS, from its squared norms.</summary>
internal sealed unsafe class TrustRatioKernel : Kernel
{
    public override string Name => "trust_ratio";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [TrustRatio] ? KernelSupport.No("not a trust_ratio")
        : problem.Input(0, 0).Type != DataType.Float32 ? KernelSupport.No("takes f32")
        : KernelSupport.Yes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        TrustRatio ratio = (TrustRatio)node.Operation;
        return new Loaded(at.Floats(node.Inputs[0]), at.Floats(node.Inputs[1]),
            ratio.IsScaled ? at.Floats(node.Inputs[2]) : null, at.Floats(node.Outputs[0]), ratio);
    }

    private sealed class Loaded(float* weightSquares, float* gradientSquares, float* scale, float* result, TrustRatio ratio)
        : LoadedKernel
    {
        public override void Run()
        {
            double weight = Math.Sqrt(*weightSquares);
            double gradient = Math.Sqrt(*gradientSquares) * (scale == null ? 1 : *scale);
            *result = weight == 0 || gradient == 0
                ? 1
                : (float)(ratio.Coefficient * weight / (gradient + ratio.WeightDecay * weight));
        }
    }
}
