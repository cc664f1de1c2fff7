using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Native;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>
/// Winograd's method by this project's own kernels (native/cpu/winograd): 3x3, stride 1, NHWC in and out, float32 or bf16.
/// What lies between is float32, and on bf16 the fewer products outweigh that each takes twice the time. Tiles of 4x4
/// results take 4 times fewer products than the definition, tiles of 2x2 take 2.25 times fewer and filters that are
/// transformed to less than half the size. What they round is in docs/numerics.md.
/// </summary>
/// <param name="team">Who works.</param>
/// <param name="features">What they may use.</param>
/// <param name="tile">2 or 4.</param>
internal sealed unsafe class WinogradConvolution(ThreadTeam team, CpuFeatures features, int tile)
{
    internal KernelSupport Check(ConvolutionGeometry g, DataType type) =>
        type is not (DataType.Float32 or DataType.BFloat16) ? KernelSupport.No("Winograd takes f32 and bf16")
        : g is not { R: 3, S: 3, Stride: 1, Padding: 1 } ? KernelSupport.No("Winograd takes 3x3 filters of stride 1 and padding 1")
        : Math.Min(g.H, g.W) < tile - 1 ? KernelSupport.No($"tiles of {tile}x{tile} results would be mostly padding")
        : KernelSupport.Yes;

    internal CpuWinogradProblem Forward(int images, ConvolutionGeometry g, DataType type) =>
        new(images, g.H, g.W, g.C, g.K, tile, type == DataType.BFloat16, team.Threads, features);

    /// <summary>dgrad is the convolution of dy with the filters turned round, from K to C channels.</summary>
    internal CpuWinogradProblem BackwardData(int images, ConvolutionGeometry g, DataType type) =>
        new(images, g.H, g.W, g.K, g.C, tile, type == DataType.BFloat16, team.Threads, features);

    internal static FilterPlace Place(CpuWinogradProblem problem, bool constantWeights) => new(
        CpuLibrary.crn_winograd_workspace_bytes(&problem), CpuLibrary.crn_winograd_packed_bytes(&problem), constantWeights);

    internal static LoadedKernel Load(
        CpuWinogradProblem problem, bool isBackward, bool constantWeights, ConvolutionOperands operands, OperandAddresses at) =>
        new Loaded(problem, isBackward, constantWeights, operands, (float*)Place(problem, constantWeights).Address(at), at.Workspace());

    private sealed class Loaded(CpuWinogradProblem problem, bool isBackward, bool constantWeights, ConvolutionOperands operands,
        float* packed, byte* workspace) : LoadedWithFilter(constantWeights)
    {
        private readonly CpuWinogradProblem _problem = problem;

        protected override void Pack()
        {
            CpuWinogradProblem problem = _problem;
            CpuLibrary.crn_winograd_pack(&problem, operands.Filter, isBackward ? 1 : 0, packed);
        }

        protected override void Multiply()
        {
            CpuWinogradProblem problem = _problem;
            CpuLibrary.crn_winograd_run(&problem, operands.X, packed, operands.Bias, operands.Other,
                operands.IsRectified ? 1 : 0, operands.Y, workspace);
        }
    }
}
