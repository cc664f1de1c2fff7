using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Native;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>
/// Convolutions of bf16 by the definition, by this project's own kernels (native/cpu/direct): blocks of AVX-512 bf16
/// products or of AMX tiles, sums in float32, positions brought into place once for all filters.
/// </summary>
/// <param name="team">Who works.</param>
/// <param name="features">What they may use; with <see cref="CpuFeatures.AmxBf16"/> the tiles are.</param>
internal sealed unsafe class DirectConvolution(ThreadTeam team, CpuFeatures features)
{
    private const int Block = 32;
    private const int LargestFilter = 7;

    /// <summary>What the kernels' names end in.</summary>
    internal string Suffix { get; } = features.HasFlag(CpuFeatures.AmxBf16) ? "direct_amx" : "direct";

    internal static KernelSupport Check(ConvolutionGeometry g, DataType type) =>
        type != DataType.BFloat16 ? KernelSupport.No("direct convolutions take bf16")
        : g.C % Block != 0 || g.K % Block != 0 ? KernelSupport.No($"direct convolutions take multiples of {Block} channels")
        : Math.Max(g.R, g.S) > LargestFilter ? KernelSupport.No($"direct convolutions take filters up to {LargestFilter}x{LargestFilter}")
        : g is { R: 1, S: 1, Padding: not 0 } ? KernelSupport.No("direct convolutions take no padding around 1x1 filters")
        : KernelSupport.Yes;

    internal CpuDirectProblem Forward(int images, ConvolutionGeometry g) => new(images, g, team.Threads, features);

    /// <summary>dgrad of stride 1: the convolution of dy with the filters turned round, from K to C channels.</summary>
    internal CpuDirectProblem BackwardData(int images, ConvolutionGeometry g) => new(images,
        new ConvolutionGeometry(g.P, g.Q, g.K, g.C, g.R, g.S, 1, g.R - 1 - g.Padding), team.Threads, features);

    internal static FilterPlace Place(CpuDirectProblem problem, bool constantWeights) => new(
        CpuLibrary.crn_direct_workspace_bytes(&problem), CpuLibrary.crn_direct_packed_bytes(&problem), constantWeights);

    /// <param name="problem">The convolution.</param>
    /// <param name="isBackward">It is the dgrad of the one that the filter belongs to.</param>
    /// <param name="constantWeights">The filter is packed once.</param>
    /// <param name="filter">In float32.</param>
    /// <param name="operands">All but the packed filter.</param>
    /// <param name="at">Where the workspace and the packed filter lie.</param>
    internal static LoadedKernel Load(CpuDirectProblem problem, bool isBackward, bool constantWeights, float* filter,
        CpuDirectOperands operands, OperandAddresses at)
    {
        operands.Packed = Place(problem, constantWeights).Address(at);
        return new Loaded(problem, isBackward, constantWeights, filter, operands, at.Workspace());
    }

    private sealed class Loaded(CpuDirectProblem problem, bool isBackward, bool constantWeights, float* filter,
        CpuDirectOperands operands, byte* workspace) : LoadedWithFilter(constantWeights)
    {
        private readonly CpuDirectProblem _problem = problem;
        private readonly CpuDirectOperands _operands = operands;

        protected override void Pack()
        {
            CpuDirectProblem problem = _problem;
            CpuLibrary.crn_direct_pack(&problem, filter, isBackward ? 1 : 0, _operands.Packed);
        }

        protected override void Multiply()
        {
            CpuDirectProblem problem = _problem;
            CpuDirectOperands operands = _operands;
            CpuLibrary.crn_direct_run(&problem, &operands, workspace);
        }
    }
}
