using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Native;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>
/// 1x1 convolution [bias] [Add] [ReLU] in float32 by this project's own product of matrices (native/cpu/product), which
/// fetches the tensor to add and the next positions while it multiplies.
/// </summary>
/// <param name="team">Who works.</param>
/// <param name="features">What they may use.</param>
internal sealed unsafe class ProductForwardKernel(ThreadTeam team, CpuFeatures features) : Kernel
{
    public override string Name => "conv_fwd_product";

    public override KernelSupport Check(Problem problem)
    {
        KernelSupport support = new ConvolutionChain(problem).Check(problem);
        return !support.IsSupported ? support
            : problem.Input(0, 0).Type != DataType.Float32 ? KernelSupport.No("products take f32")
            : new ConvolutionChain(problem).Geometry is not { R: 1, S: 1, Padding: 0 } ? KernelSupport.No("products take 1x1 filters")
            : KernelSupport.Yes;
    }

    public override long WorkspaceBytes(Problem problem) => Place(problem).WorkspaceBytes;

    public override long PackedBytes(Problem problem) => Place(problem).PackedBytes;

    public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
        ChainReader.Addend(problem, new ConvolutionChain(problem).Join);

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        return new Loaded(Native(problem), problem.ConstantWeights, new ConvolutionChain(problem).Operands(problem, at),
            (float*)Place(problem).Address(at), at.Workspace());
    }

    private FilterPlace Place(Problem problem)
    {
        CpuProductProblem native = Native(problem);
        return new FilterPlace(CpuLibrary.crn_product_workspace_bytes(&native), CpuLibrary.crn_product_packed_bytes(&native),
            problem.ConstantWeights);
    }

    private CpuProductProblem Native(Problem problem)
    {
        ConvolutionGeometry g = new ConvolutionChain(problem).Geometry;
        return new CpuProductProblem(problem.Input(0, 0).Shape.N, g.H, g.W, g.C, g.K, g.Stride, team.Threads, features);
    }

    private sealed class Loaded(CpuProductProblem problem, bool constantWeights, ConvolutionOperands operands,
        float* packed, byte* workspace) : LoadedWithFilter(constantWeights)
    {
        private readonly CpuProductProblem _problem = problem;

        protected override void Pack()
        {
            CpuProductProblem problem = _problem;
            CpuLibrary.crn_product_pack(&problem, operands.Filter, packed);
        }

        protected override void Multiply()
        {
            CpuProductProblem problem = _problem;
            CpuLibrary.crn_product_run(&problem, (float*)operands.X, packed, operands.Bias, (float*)operands.Other,
                operands.IsRectified ? 1 : 0, (float*)operands.Y, workspace);
        }
    }
}
