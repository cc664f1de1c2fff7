using System.Runtime.CompilerServices;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Kernels.BatchNorm;
using CudnnResNet.OneDnn.Kernels.Pointwise;
using CudnnResNet.OneDnn.Simd;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels;

/// <summary>The gradient of a bias: sums over all rows, in blocks of float32 that are added up in float64.</summary>
internal sealed unsafe class ChannelSumKernel(ThreadTeam team) : Kernel
{
    public override string Name => "channel_sum";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [ChannelSum] ? KernelSupport.No("not a channel_sum")
        : !ChainReader.HasComputableType(problem) ? KernelSupport.No("takes f32 and bf16")
        : KernelSupport.Yes;

    public override long WorkspaceBytes(Problem problem) =>
        team.Threads * SliceSums.BytesPerSlice(problem.Input(0, 0).Shape.C);

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Value dy = problem.Input(0, 0);
        float* db = at.Floats(problem.Output(0, 0).Id);
        RowExtent extent = RowExtent.Of(dy.Shape);
        return dy.Type == DataType.BFloat16
            ? new Loaded<BFloat16>(team, extent, at[dy.Id], db, at.Workspace())
            : new Loaded<Float32>(team, extent, at[dy.Id], db, at.Workspace());
    }

    private sealed class Loaded<TElement>(ThreadTeam team, RowExtent extent, byte* dy, float* db, byte* workspace)
        : SlicedKernel(team) where TElement : IElement
    {
        protected override int Phases => 2;

        protected override long TrafficBytes(int phase) =>
            phase == 0 ? extent.Rows * extent.Channels * TElement.Bytes : Slices * extent.Channels * sizeof(double);

        protected override void RunSlice(int phase, int slice)
        {
            if (phase == 0)
                Reduce(slice);
            else
                Conclude(slice);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Reduce(int slice)
        {
            SliceSums sums = new(workspace, slice, extent.Channels);
            sums.Clear();
            (nint begin, nint end) = Share(extent.Rows, slice);
            nint blockRows = RowReductions.BlockRows(extent.Channels);
            for (nint block = begin; block < end; block += blockRows)
            {
                sums.ClearBlock();
                RowReductions.Run(new SumReduction<Stored<TElement>>(new(dy), sums.BlockFirst),
                    extent, block, Math.Min(block + blockRows, end));
                LaneLoop.Run(new FlushBody(sums), 0, extent.Channels);
            }
        }

        private void Conclude(int slice)
        {
            (nint begin, nint end) = Share(extent.Channels, slice, grain: 16);
            for (nint c = begin; c < end; c++)
            {
                double sum = 0;
                for (int other = 0; other < Slices; other++)
                    sum += new SliceSums(workspace, other, extent.Channels).First[c];
                db[c] = (float)sum;
            }
        }
    }
}
