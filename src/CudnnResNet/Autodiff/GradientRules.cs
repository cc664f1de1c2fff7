using CudnnResNet.Graph;

namespace CudnnResNet.Autodiff;

/// <summary>
/// The derivative of every forward operation. A filter's gradient comes before the data's, so that the layer's input
/// can be freed before its gradient is written.
/// </summary>
internal static class GradientRules
{
    public static void Apply(Node node, ValueId dy, GradientTape tape)
    {
        switch (node.Operation)
        {
            case ConvolutionForward convolution:
                Convolution(node, convolution, dy, tape);
                break;
            case Linear linear:
                LinearLayer(node, linear, dy, tape);
                break;
            case BatchNormTraining:
                BatchNorm(node, dy, tape);
                break;
            case BatchNormInference norm:
                FrozenBatchNorm(node, norm, dy, tape);
                break;
            case Relu when tape.NormBefore(node) is { } norm:
                One(node, new NormReluBackward(),
                    [dy, norm.Inputs[0], norm.Inputs[1], norm.Inputs[2], norm.Outputs[1], norm.Outputs[2]], tape);
                break;
            case Relu:
                One(node, new ReluBackward(), [dy, node.Outputs[0]], tape);
                break;
            case Add:
                tape.Contribute(node.Inputs[0], dy, node.Scope);
                tape.Contribute(node.Inputs[1], dy, node.Scope);
                break;
            case MaxPool pool:
                One(node, new MaxPoolBackward(pool.Geometry), [dy, node.Outputs[1]], tape);
                break;
            case GlobalAveragePool:
                var x = tape.TypeOf(node.Inputs[0]).Shape;
                One(node, new GlobalAveragePoolBackward(x.H, x.W), [dy], tape);
                break;
            case Subsample subsample:
                One(node, new SubsampleBackward(subsample.Geometry), [dy], tape);
                break;
            case SoftmaxCrossEntropy loss:
                Loss(node, new SoftmaxCrossEntropyBackward(loss.Smoothing), tape);
                break;
            case SigmoidCrossEntropy loss:
                Loss(node, new SigmoidCrossEntropyBackward(loss.Smoothing), tape);
                break;
            case Cast:
                One(node, new Cast(tape.TypeOf(node.Inputs[0]).Type), [dy], tape);
                break;
            default:
                throw new NotSupportedException($"{node.Operation.GetType().Name} has no gradient rule: "
                    + "build the graph in training mode.");
        }
    }

    private static void One(
        Node node, Operation backward, System.Collections.Immutable.ImmutableArray<ValueId> inputs, GradientTape tape)
    {
        ValueId x = node.Inputs[0];
        if (tape.Needs(x))
            tape.Contribute(x, tape.Emit(backward, inputs, node.Scope, tape.NameFor(x))[0], node.Scope);
    }

    private static void Loss(Node node, Operation backward, GradientTape tape)
    {
        ValueId logits = node.Inputs[0];
        if (!tape.Needs(logits))
            return;
        string name = tape.NameFor(logits);
        ValueId gradient = tape.Emit(backward, [logits, node.Inputs[1]], node.Scope, name)[0];
        if (tape.LossScale is { } scale)
            gradient = tape.Emit(new Scale(), [gradient, scale], node.Scope, $"{name}.scaled")[0];
        tape.Contribute(logits, gradient, node.Scope);
    }

    private static void Convolution(Node node, ConvolutionForward convolution, ValueId dy, GradientTape tape)
    {
        (ValueId x, ValueId w) = (node.Inputs[0], node.Inputs[1]);
        if (tape.Needs(w))
            tape.Contribute(w, tape.Emit(new ConvolutionBackwardFilter(convolution.Geometry), [x, dy],
                node.Scope, tape.NameFor(w))[0], node.Scope);
        if (node.Inputs.Length == 3 && tape.Needs(node.Inputs[2]))
            tape.Contribute(node.Inputs[2], tape.Emit(new ChannelSum(), [dy],
                node.Scope, tape.NameFor(node.Inputs[2]))[0], node.Scope);
        if (tape.Needs(x))
            tape.Contribute(x, tape.Emit(new ConvolutionBackwardData(convolution.Geometry), [dy, w],
                node.Scope, tape.NameFor(x))[0], node.Scope);
    }

    private static void LinearLayer(Node node, Linear linear, ValueId dy, GradientTape tape)
    {
        (ValueId x, ValueId w, ValueId b) = (node.Inputs[0], node.Inputs[1], node.Inputs[2]);
        var type = tape.TypeOf(x).Type;
        if (tape.Needs(w))
            tape.Contribute(w, tape.Emit(new LinearBackwardFilter(linear.InFeatures, linear.OutFeatures, type),
                [x, dy], node.Scope, tape.NameFor(w))[0], node.Scope);
        if (tape.Needs(b))
            tape.Contribute(b, tape.Emit(new ChannelSum(), [dy], node.Scope, tape.NameFor(b))[0], node.Scope);
        if (tape.Needs(x))
            tape.Contribute(x, tape.Emit(new LinearBackwardData(linear.InFeatures, linear.OutFeatures, type),
                [dy, w], node.Scope, tape.NameFor(x))[0], node.Scope);
    }

    /// <summary>
    /// With fixed statistics the layer is a scale and a shift of each channel: the gradient takes the scale, which is the
    /// layer itself with mean and shift at zero. Its own parameters are frozen with it.
    /// </summary>
    private static void FrozenBatchNorm(Node node, BatchNormInference norm, ValueId dy, GradientTape tape)
    {
        (ValueId gamma, ValueId beta, ValueId variance) = (node.Inputs[1], node.Inputs[2], node.Inputs[4]);
        if (tape.Needs(gamma) || tape.Needs(beta))
            throw new NotSupportedException("A batch norm with fixed statistics has no gradient rule for its own parameters.");
        ValueId zeros = tape.Zeros(beta);
        One(node, norm, [dy, gamma, zeros, zeros, variance], tape);
    }

    private static void BatchNorm(Node node, ValueId dy, GradientTape tape)
    {
        (ValueId x, ValueId gamma, ValueId beta) = (node.Inputs[0], node.Inputs[1], node.Inputs[2]);
        var gradients = tape.Emit(new BatchNormBackward(), [dy, x, gamma, node.Outputs[1], node.Outputs[2]],
            node.Scope, tape.NameFor(x), tape.NameFor(gamma), tape.NameFor(beta));
        tape.Contribute(x, gradients[0], node.Scope);
        tape.Contribute(gamma, gradients[1], node.Scope);
        tape.Contribute(beta, gradients[2], node.Scope);
    }
}
