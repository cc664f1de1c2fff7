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
            : Geometry(problem) is not { R: 1, S: 1, Padding: 0 } ? KernelSupport.No("products take 1x1 filters")
            : KernelSupport.Yes;
    }

    public override long WorkspaceBytes(Problem problem)
    {
        CpuProductProblem native = Native(problem);
        return Region.Align(CpuLibrary.crn_product_workspace_bytes(&native)) + (problem.ConstantWeights ? 0 : FilterBytes(problem));
    }

    public override long PackedBytes(Problem problem) => problem.ConstantWeights ? FilterBytes(problem) : 0;

    public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
        ChainReader.Addend(problem, new ConvolutionChain(problem).Join);

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        ConvolutionChain chain = new(problem);
        Node convolution = problem.Nodes[0];
        byte* workspace = at.Workspace();
        return new Loaded(Native(problem), problem.ConstantWeights, at.Floats(convolution.Inputs[1]),
            (float*)(problem.ConstantWeights ? at.Packed() : workspace + WorkspaceBytes(problem) - FilterBytes(problem)),
            at.Floats(convolution.Inputs[0]),
            convolution.Inputs.Length == 3 ? at.Floats(convolution.Inputs[2]) : null,
            chain.Join is { } add ? at.Floats(add.Inputs[1]) : null,
            chain.Relu is not null, at.Floats(problem.Nodes[^1].Outputs[0]), workspace);
    }

    private CpuProductProblem Native(Problem problem)
    {
        ConvolutionGeometry g = Geometry(problem);
        return new CpuProductProblem(problem.Input(0, 0).Shape.N, g.H, g.W, g.C, g.K, g.Stride, team.Threads, features);
    }

    private long FilterBytes(Problem problem)
    {
        CpuProductProblem native = Native(problem);
        return Region.Align(CpuLibrary.crn_product_packed_bytes(&native));
    }

    private static ConvolutionGeometry Geometry(Problem problem) =>
        ((ConvolutionForward)problem.Nodes[0].Operation).Geometry;

    private sealed class Loaded(CpuProductProblem problem, bool constantWeights, float* filter, float* packed,
        float* x, float* bias, float* other, bool relu, float* y, byte* workspace) : LoadedKernel
    {
        private readonly CpuProductProblem _problem = problem;

        public override void Prepare()
        {
            if (constantWeights)
                Pack();
        }

        public override void Run()
        {
            if (!constantWeights)
                Pack();
            CpuProductProblem problem = _problem;
            CpuLibrary.crn_product_run(&problem, x, packed, bias, other, relu ? 1 : 0, y, workspace);
        }

        private void Pack()
        {
            CpuProductProblem problem = _problem;
            CpuLibrary.crn_product_pack(&problem, filter, packed);
        }
    }
}
