using System.Runtime.CompilerServices;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Simd;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Elementwise;

/// <summary>PyTorch's SGD in one pass. The learning rate and other factors are read from memory in every run.</summary>
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
        LoadedKernel loaded = (update.Nesterov, update.IsScaled || update.IsTrusted) switch
        {
            (false, false) => Plain<Classical>(),
            (true, false) => Plain<Nesterov>(),
            (false, true) => Scaled<Classical>(),
            (true, true) => Scaled<Nesterov>(),
        };
        return update.IsGuarded ? new Guarded(loaded, at.Floats(node.Inputs[^1])) : loaded;

        LoadedKernel Plain<TMomentum>() where TMomentum : struct, IMomentum
        {
            Decay decay = new(at.Floats(node.Inputs[1]), (float)update.WeightDecay);
            return Load<Decay, TMomentum>(decay);
        }

        LoadedKernel Scaled<TMomentum>() where TMomentum : struct, IMomentum
        {
            ScaledDecay decay = new(at.Floats(node.Inputs[1]), (float)update.WeightDecay,
                update.IsScaled ? at.Floats(node.Inputs[4]) : null,
                update.IsTrusted ? at.Floats(node.Inputs[update.IsScaled ? 5 : 4]) : null);
            return Load<ScaledDecay, TMomentum>(decay);
        }

        LoadedKernel Load<TGradient, TMomentum>(TGradient gradient)
            where TGradient : struct, IGradient where TMomentum : struct, IMomentum =>
            new LoadedElementwise<Body<TGradient, TMomentum>>(team, elements, 5 * sizeof(float), new(at.Floats(node.Inputs[0]),
                gradient, at.Floats(node.Inputs[2]), at.Floats(node.Inputs[3]), (float)update.Momentum));
    }

    private interface IGradient
    {
        /// <summary>The gradient that momentum takes in, with decay and factors.</summary>
        T At<T>(nint index, T w) where T : struct, ILanes<T>;
    }

    private readonly struct Decay(float* dw, float weightDecay) : IGradient
    {
        private readonly float* _dw = dw;
        private readonly float _weightDecay = weightDecay;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T At<T>(nint index, T w) where T : struct, ILanes<T> =>
            T.MultiplyAdd(T.Broadcast(_weightDecay), w, T.Load(_dw + index));
    }

    private readonly struct ScaledDecay(float* dw, float weightDecay, float* scale, float* trust) : IGradient
    {
        private readonly float* _dw = dw;
        private readonly float _weightDecay = weightDecay;
        private readonly float* _scale = scale;
        private readonly float* _trust = trust;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T At<T>(nint index, T w) where T : struct, ILanes<T>
        {
            float scale = _scale == null ? 1 : *_scale;
            float trust = _trust == null ? 1 : *_trust;
            T scaled = T.Broadcast(scale) * T.Load(_dw + index);
            return T.Broadcast(trust) * T.MultiplyAdd(T.Broadcast(_weightDecay), w, scaled);
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

    private readonly struct Body<TGradient, TMomentum>(
        float* w, TGradient gradient, float* velocity, float* learningRate, float momentum) : ILaneBody
        where TGradient : struct, IGradient where TMomentum : struct, IMomentum
    {
        private readonly float* _w = w;
        private readonly TGradient _gradient = gradient;
        private readonly float* _velocity = velocity;
        private readonly float* _learningRate = learningRate;
        private readonly float _momentum = momentum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint index) where T : struct, ILanes<T>
        {
            T w = T.Load(_w + index);
            T gradient = _gradient.At(index, w);
            T momentum = T.Broadcast(_momentum);
            T velocity = T.MultiplyAdd(momentum, T.Load(_velocity + index), gradient);
            T.Store(_velocity + index, velocity);
            T.Store(_w + index, w - T.Broadcast(*_learningRate) * TMomentum.Direction(gradient, momentum, velocity));
        }
    }
}
