using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Pooling;

/// <summary>A shortcut without weights, and its gradient: copies and zeros, whatever the element type.</summary>
internal sealed unsafe class SubsampleKernel(ThreadTeam team) : Kernel
{
    public override string Name => "subsample";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [Subsample or SubsampleBackward] ? KernelSupport.No("not a subsample or its gradient")
        : !ChainReader.HasComputableType(problem) ? KernelSupport.No("takes f32 and bf16")
        : KernelSupport.Yes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Value input = problem.Input(0, 0), output = problem.Output(0, 0);
        int elementBytes = input.Type.ByteSize();
        return problem.Nodes[0].Operation is Subsample forward
            ? new Forward(team, input.Shape.N, forward.Geometry, elementBytes, at[input.Id], at[output.Id])
            : new Backward(team, input.Shape.N, ((SubsampleBackward)problem.Nodes[0].Operation).Geometry, elementBytes,
                at[input.Id], at[output.Id]);
    }

    /// <summary>Slices cut the lines of y.</summary>
    private sealed class Forward(ThreadTeam team, int n, SubsampleGeometry g, int elementBytes, byte* x, byte* y)
        : SlicedKernel(team)
    {
        protected override long TrafficBytes(int phase) => (long)n * g.P * g.Q * (g.C + g.K) * elementBytes;

        protected override void RunSlice(int phase, int slice)
        {
            nint pixelBytes = (nint)g.C * elementBytes, wideBytes = (nint)g.K * elementBytes;
            nint before = (nint)g.Offset * elementBytes, after = wideBytes - before - pixelBytes;
            (nint begin, nint end) = Share((nint)n * g.P, slice);
            for (nint line = begin; line < end; line++)
            {
                byte* from = x + (line / g.P * g.H + line % g.P * g.Stride) * g.W * pixelBytes;
                byte* to = y + line * g.Q * wideBytes;
                for (int q = 0; q < g.Q; q++, from += g.Stride * pixelBytes, to += wideBytes)
                {
                    new Span<byte>(to, (int)before).Clear();
                    Buffer.MemoryCopy(from, to + before, pixelBytes, pixelBytes);
                    new Span<byte>(to + before + pixelBytes, (int)after).Clear();
                }
            }
        }
    }

    /// <summary>Slices cut the lines of dx.</summary>
    private sealed class Backward(ThreadTeam team, int n, SubsampleGeometry g, int elementBytes, byte* dy, byte* dx)
        : SlicedKernel(team)
    {
        protected override long TrafficBytes(int phase) => (long)n * g.H * g.W * g.C * elementBytes;

        protected override void RunSlice(int phase, int slice)
        {
            nint pixelBytes = (nint)g.C * elementBytes, wideBytes = (nint)g.K * elementBytes;
            nint before = (nint)g.Offset * elementBytes;
            (nint begin, nint end) = Share((nint)n * g.H, slice);
            for (nint line = begin; line < end; line++)
            {
                (nint image, nint h) = (line / g.H, line % g.H);
                byte* to = dx + line * g.W * pixelBytes;
                byte* from = dy + (image * g.P + h / g.Stride) * g.Q * wideBytes + before;
                bool isSampled = h % g.Stride == 0;
                for (int w = 0; w < g.W; w++, to += pixelBytes)
                    if (isSampled && w % g.Stride == 0)
                    {
                        Buffer.MemoryCopy(from, to, pixelBytes, pixelBytes);
                        from += wideBytes;
                    }
                    else
                    {
                        new Span<byte>(to, (int)pixelBytes).Clear();
                    }
            }
        }
    }
}
