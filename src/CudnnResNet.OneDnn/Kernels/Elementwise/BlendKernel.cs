using System.Runtime.CompilerServices;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Simd;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Elementwise;

/// <summary>One tensor moves towards another, in place.</summary>
internal sealed unsafe class BlendKernel(ThreadTeam team) : Kernel
{
    public override string Name => "blend";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [Blend] ? KernelSupport.No("not a blend")
        : problem.Input(0, 1).Type != DataType.Float32 ? KernelSupport.No("takes f32")
        : KernelSupport.Yes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        Blend blend = (Blend)node.Operation;
        Body body = new(at.Floats(node.Inputs[0]), at.Floats(node.Inputs[1]), (float)blend.Keep, (float)blend.Take);
        LoadedKernel loaded = new LoadedElementwise<Body>(team, problem.Input(0, 0).Shape.Elements, 3 * sizeof(float), body);
        return blend.IsGuarded ? new Guarded(loaded, at.Floats(node.Inputs[^1])) : loaded;
    }

    private readonly struct Body(float* y, float* x, float keep, float take) : ILaneBody
    {
        private readonly float* _y = y;
        private readonly float* _x = x;
        private readonly float _keep = keep;
        private readonly float _take = take;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint index) where T : struct, ILanes<T>
        {
            T taken = _take == 0 ? T.Zero : T.Broadcast(_take) * T.Load(_x + index);
            T.Store(_y + index, _keep == 0 ? taken : T.MultiplyAdd(T.Broadcast(_keep), T.Load(_y + index), taken));
        }
    }
}
