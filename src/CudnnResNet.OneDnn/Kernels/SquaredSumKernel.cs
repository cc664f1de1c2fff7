using System.Runtime.CompilerServices;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Simd;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels;

/// <summary>
/// The squares of a tensor, added up in float64: lane by lane in each slice, then slice by slice, an order that the
/// number of threads decides alone.
/// </summary>
internal sealed unsafe class SquaredSumKernel(ThreadTeam team) : Kernel
{
    /// <summary>As many sums as the widest lanes have.</summary>
    private const int Lanes = 16;

    public override string Name => "squared_sum";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [SquaredSum] ? KernelSupport.No("not a squared_sum")
        : problem.Input(0, 0).Type != DataType.Float32 ? KernelSupport.No("takes f32")
        : KernelSupport.Yes;

    public override long WorkspaceBytes(Problem problem) => team.Threads * Lanes * sizeof(double);

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        return new Loaded(team, at.Floats(node.Inputs[0]), (nint)problem.Input(0, 0).Shape.Elements,
            node.Inputs.Length > 1 ? at.Floats(node.Inputs[1]) : null, at.Floats(node.Outputs[0]), (double*)at.Workspace());
    }

    private sealed class Loaded(ThreadTeam team, float* x, nint elements, float* sum, float* total, double* workspace)
        : SlicedKernel(team)
    {
        protected override int Phases => 2;

        protected override long TrafficBytes(int phase) => phase == 0 ? elements * sizeof(float) : 0;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        protected override void RunSlice(int phase, int slice)
        {
            if (phase == 0)
                Reduce(slice);
            else if (slice == 0)
                Conclude();
        }

        private void Reduce(int slice)
        {
            double* sums = workspace + slice * Lanes;
            new Span<double>(sums, Lanes).Clear();
            (nint begin, nint end) = Share(elements, slice, grain: 64);
            LaneLoop.Run(new Body(x, sums), begin, end);
        }

        private void Conclude()
        {
            double all = sum == null ? 0 : *sum;
            for (int i = 0; i < Slices * Lanes; i++)
                all += workspace[i];
            *total = (float)all;
        }
    }

    private readonly struct Body(float* x, double* sums) : ILaneBody
    {
        private readonly float* _x = x;
        private readonly double* _sums = sums;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint index) where T : struct, ILanes<T>
        {
            T value = T.Load(_x + index);
            T.AddTo(_sums, value * value);
        }
    }
}
