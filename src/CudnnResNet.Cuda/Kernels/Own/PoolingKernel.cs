using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>Max pool with the positions of its maxima, global average pool, shortcuts without weights, and their gradients.</summary>
internal sealed class PoolingKernel(CudaSession session) : OwnKernel(session)
{
    public override string Name => "pooling";

    protected override string? Refusal(Problem problem) =>
        problem.Operations is [MaxPool or MaxPoolBackward or GlobalAveragePool or GlobalAveragePoolBackward
            or Subsample or SubsampleBackward]
            ? RefusalOf(problem.Input(0, 0).Type)
            : "takes a pooling or its gradient alone";

    protected override KernelLaunch[] Launches(Problem problem, Operands at)
    {
        Value x = problem.Input(0, 0), y = problem.Output(0, 0);
        long images = x.Shape.N;
        (string entry, LaunchArgument[] arguments) = problem.Operations[0] switch
        {
            MaxPool pool => ("max_pool", (LaunchArgument[])[at.Input(0, 0), at.Output(0, 0),
                problem.Nodes[0].Outputs.Length == 2 ? at.OfWritten(problem.Nodes[0].Outputs[1]) : default,
                LaunchArgument.Of(new Pool(pool.Geometry)), images]),
            MaxPoolBackward pool => ("max_pool_backward", [at.Input(0, 0), at.Input(0, 1), at.Output(0, 0),
                LaunchArgument.Of(new Pool(pool.Geometry)), images]),
            Subsample sampled => ("subsample", [at.Input(0, 0), at.Output(0, 0),
                LaunchArgument.Of(new Sampled(sampled.Geometry)), images]),
            SubsampleBackward sampled => ("subsample_backward", [at.Input(0, 0), at.Output(0, 0),
                LaunchArgument.Of(new Sampled(sampled.Geometry)), images]),
            GlobalAveragePool => ("average_pool", [at.Input(0, 0), at.Output(0, 0), images, x.Shape.H * x.Shape.W, x.Shape.C]),
            _ => ("average_pool_backward", [at.Input(0, 0), at.Output(0, 0), images, y.Shape.H * y.Shape.W, y.Shape.C]),
        };
        int lanes = y.Shape.C % (16 / x.Type.ByteSize()) == 0 ? 16 / x.Type.ByteSize() : 1;
        return [Session.Launch("pooling.cu", $"{entry}_{x.Type.ShortName()}", y.Shape.Elements / lanes, arguments)];
    }

    /// <summary>The structure of pooling.cu.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Pool(PoolGeometry g)
    {
        private readonly int _h = g.H;
        private readonly int _w = g.W;
        private readonly int _c = g.C;
        private readonly int _window = g.Window;
        private readonly int _stride = g.Stride;
        private readonly int _padding = g.Padding;
        private readonly int _p = g.P;
        private readonly int _q = g.Q;
    }

    /// <summary>The structure of pooling.cu.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Sampled(SubsampleGeometry g)
    {
        private readonly int _h = g.H;
        private readonly int _w = g.W;
        private readonly int _c = g.C;
        private readonly int _k = g.K;
        private readonly int _stride = g.Stride;
        private readonly int _p = g.P;
        private readonly int _q = g.Q;
        private readonly int _offset = g.Offset;
    }
}
