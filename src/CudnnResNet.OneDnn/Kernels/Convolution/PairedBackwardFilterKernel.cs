using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Native;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>
/// wgrad in bf16 by this project's own kernels (native/cpu/convolution/wgrad_bf16.cpp, wgrad_amx.cpp), which multiply pairs of
/// images.
/// </summary>
/// <param name="team">Who works.</param>
/// <param name="usesAmx">With AMX, or with AVX-512.</param>
internal sealed unsafe class PairedBackwardFilterKernel(ThreadTeam team, bool usesAmx) : Kernel
{
    private const int AmxChannelBlock = 32;

    /// <summary>Sums run over vectors of 32 channels: of fewer than half of them most work is on zeros.</summary>
    private const int FewestChannels = 16;

    public override string Name => usesAmx ? "conv_bwd_filter_paired_amx" : "conv_bwd_filter_paired";

    public override KernelSupport Check(Problem problem)
    {
        if (problem.Operations is not [ConvolutionBackwardFilter { Geometry: var geometry }])
            return KernelSupport.No("not a conv_bwd_filter");
        return problem.Input(0, 0) is not { Type: DataType.BFloat16, Shape.N: var images } ? KernelSupport.No("takes bf16")
            : images < 2 ? KernelSupport.No("takes two images at least")
            : usesAmx ? CheckTiles(geometry)
            : geometry.C < FewestChannels ? KernelSupport.No($"takes {FewestChannels} channels at least")
            : KernelSupport.Yes;
    }

    public override long WorkspaceBytes(Problem problem)
    {
        CpuConvolution convolution = Convolution(problem);
        return usesAmx ? CpuLibrary.crn_wgrad_amx_workspace(&convolution, team.Threads)
            : CpuLibrary.crn_wgrad_bf16_workspace(&convolution, team.Threads);
    }

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        return new Loaded(team, usesAmx, Convolution(problem),
            at[node.Inputs[0]], at[node.Inputs[1]], at.Floats(node.Outputs[0]), at.Workspace());
    }

    private static KernelSupport CheckTiles(ConvolutionGeometry g) =>
        g.C % AmxChannelBlock != 0 || g.K % AmxChannelBlock != 0
            ? KernelSupport.No($"tiles take multiples of {AmxChannelBlock} channels")
            : g is { R: 1, S: 1, Padding: 0 } or { R: 3, S: 3, Padding: 1 } && g.Stride is 1 or 2 ? KernelSupport.Yes
            : KernelSupport.No("tiles take 1x1 and padded 3x3 filters of stride 1 and 2");

    private static CpuConvolution Convolution(Problem problem) =>
        new(problem.Input(0, 0).Shape.N, ((ConvolutionBackwardFilter)problem.Nodes[0].Operation).Geometry);

    private sealed class Loaded(
        ThreadTeam team, bool usesAmx, CpuConvolution convolution, byte* x, byte* dy, float* dw, byte* workspace) : LoadedKernel
    {
        private readonly CpuConvolution _convolution = convolution;

        public override void Run()
        {
            CpuConvolution convolution = _convolution;
            if (usesAmx)
                CpuLibrary.crn_wgrad_amx(&convolution, team.Threads, x, dy, dw, workspace);
            else
                CpuLibrary.crn_wgrad_bf16(&convolution, team.Threads, x, dy, dw, workspace);
        }
    }
}
