using System.Runtime.CompilerServices;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Simd;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels;

/// <summary>PyTorch's SGD in one pass. The learning rate is read from memory in every run.</summary>
internal sealed unsafe class SgdUpdateKernel(ThreadTeam team) : Kernel
{
    public override string Name => "sgd";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [SgdUpdate] ? KernelSupport.No("not an sgd")
        : problem.Input(0, 1).Type != DataType.Float32 ? KernelSupport.No("parameters are f32")
        : KernelSupport.Yes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        SgdUpdate update = (SgdUpdate)node.Operation;
        long elements = problem.Input(0, 0).Shape.Elements;
        return update.Nesterov ? Loaded<Nesterov>() : Loaded<Classical>();

        LoadedKernel Loaded<TMomentum>() where TMomentum : struct, IMomentum
        {
            Body<TMomentum> body = new(at.Floats(node.Inputs[0]), at.Floats(node.Inputs[1]), at.Floats(node.Inputs[2]),
                at.Floats(node.Inputs[3]), (float)update.Momentum, (float)update.WeightDecay);
            return new LoadedElementwise<Body<TMomentum>>(team, elements, 5 * sizeof(float), body);
        }
    }

    private interface IMomentum
    {
        /// <summary>The direction in which a weight moves.</summary>
        static abstract T Direction<T>(T gradient, T momentum, T velocity) where T : struct, ILanes<T>;
    }

    private readonly struct Classical : IMomentum
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Direction<T>(T gradient, T momentum, T velocity) where T : struct, ILanes<T> => velocity;
    }

    private readonly struct Nesterov : IMomentum
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Direction<T>(T gradient, T momentum, T velocity) where T : struct, ILanes<T> =>
            T.MultiplyAdd(momentum, velocity, gradient);
    }

    private readonly struct Body<TMomentum>(
        float* w, float* dw, float* velocity, float* learningRate, float momentum, float weightDecay) : ILaneBody
        where TMomentum : struct, IMomentum
    {
        private readonly float* _w = w;
        private readonly float* _dw = dw;
        private readonly float* _velocity = velocity;
        private readonly float* _learningRate = learningRate;
        private readonly float _momentum = momentum;
        private readonly float _weightDecay = weightDecay;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint index) where T : struct, ILanes<T>
        {
            T w = T.Load(_w + index);
            T gradient = T.MultiplyAdd(T.Broadcast(_weightDecay), w, T.Load(_dw + index));
            T momentum = T.Broadcast(_momentum);
            T velocity = T.MultiplyAdd(momentum, T.Load(_velocity + index), gradient);
            T.Store(_velocity + index, velocity);
            T.Store(_w + index, w - T.Broadcast(*_learningRate) * TMomentum.Direction(gradient, momentum, velocity));
        }
    }
}
