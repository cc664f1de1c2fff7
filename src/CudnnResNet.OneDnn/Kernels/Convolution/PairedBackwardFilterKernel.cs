using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Native;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>wgrad in bf16 (AVX-512) by this project's own kernel (native/cpu/convolution/wgrad_bf16.cpp), which multiplies pairs of images.</summary>
internal sealed unsafe class PairedBackwardFilterKernel(ThreadTeam team) : Kernel
{
    /// <summary>Sums run over vectors of 32 channels: of fewer than half of them most work is on zeros.</summary>
    private const int FewestChannels = 16;

    public override string Name => "conv_bwd_filter_paired";

    public override KernelSupport Check(Problem problem)
    {
        if (problem.Operations is not [ConvolutionBackwardFilter { Geometry: var geometry }])
            return KernelSupport.No("not a conv_bwd_filter");
        return problem.Input(0, 0) is not { Type: DataType.BFloat16, Shape.N: var images } ? KernelSupport.No("takes bf16")
            : images < 2 ? KernelSupport.No("takes two images at least")
            : geometry.C < FewestChannels ? KernelSupport.No($"takes {FewestChannels} channels at least")
            : KernelSupport.Yes;
    }

    public override long WorkspaceBytes(Problem problem)
    {
        CpuConvolution convolution = Convolution(problem);
        return CpuLibrary.crn_wgrad_bf16_workspace(&convolution, team.Threads);
    }

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        return new Loaded(team, Convolution(problem),
            at[node.Inputs[0]], at[node.Inputs[1]], at.Floats(node.Outputs[0]), at.Workspace());
    }

    private static CpuConvolution Convolution(Problem problem) =>
        new(problem.Input(0, 0).Shape.N, ((ConvolutionBackwardFilter)problem.Nodes[0].Operation).Geometry);

    private sealed class Loaded(
        ThreadTeam team, CpuConvolution convolution, byte* x, byte* dy, float* dw, byte* workspace) : LoadedKernel
    {
        private readonly CpuConvolution _convolution = convolution;

        public override void Run()
        {
            CpuConvolution convolution = _convolution;
            CpuLibrary.crn_wgrad_bf16(&convolution, team.Threads, x, dy, dw, workspace);
        }
    }
}
