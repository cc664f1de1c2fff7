using CudnnResNet.Tensors;

namespace CudnnResNet.Graph;

/// <summary>
/// What a node computes, without its operands: a closed set of sealed records. Operands are positional; each record
/// documents <c>inputs → outputs</c>. Activations are NHWC, filters KRSC. A filter or linear weight may be wider than
/// the activations (a float32 master copy beside bf16 activations): it is rounded to their type before use, and
/// products are accumulated in float32 at least.
/// </summary>
public abstract record Operation
{
    private protected Operation() { }
}

/// <summary>x[N,H,W,C], w[K,R,S,C] (, b[K]) → y[N,P,Q,K]. Cross-correlation, as in cuDNN and PyTorch.</summary>
public sealed record ConvolutionForward(ConvolutionGeometry Geometry) : Operation;

/// <summary>dy[N,P,Q,K], w[K,R,S,C] → dx[N,H,W,C].</summary>
public sealed record ConvolutionBackwardData(ConvolutionGeometry Geometry) : Operation;

/// <summary>x[N,H,W,C], dy[N,P,Q,K] → dw[K,R,S,C] in the parameter type.</summary>
public sealed record ConvolutionBackwardFilter(ConvolutionGeometry Geometry) : Operation;

/// <summary>dy[..,C] → db[C]: the sum over all leading extents; the gradient of a bias.</summary>
public sealed record ChannelSum : Operation;

/// <summary>
/// x[N,H,W,C], gamma[C], beta[C], runningMean[C], runningVariance[C] → y, savedMean[C], savedInverseDeviation[C].
/// Normalises by the batch's mean and biased variance; the running statistics are updated in place as
/// <c>(1 - Momentum) * old + Momentum * batch</c> with the unbiased variance (PyTorch's convention).
/// </summary>
public sealed record BatchNormTraining(double Epsilon, double Momentum) : Operation;

/// <summary>x, gamma[C], beta[C], mean[C], variance[C] → y = (x - mean) / sqrt(variance + Epsilon) * gamma + beta.</summary>
public sealed record BatchNormInference(double Epsilon) : Operation;

/// <summary>
/// x, gamma[C], beta[C], savedMean[C], savedInverseDeviation[C] → y: the forward normalisation again, from saved
/// statistics, where recomputing is cheaper than keeping.
/// </summary>
public sealed record BatchNormApply : Operation;

/// <summary>dy, x, gamma[C], savedMean[C], savedInverseDeviation[C] → dx, dgamma[C], dbeta[C].</summary>
public sealed record BatchNormBackward : Operation;

/// <summary>x[..,C], scale[C], bias[C] → y = x * scale + bias: a batch norm of inference that no convolution took.</summary>
public sealed record ScaleBias : Operation;

/// <summary>x → y = max(x, 0).</summary>
public sealed record Relu : Operation;

/// <summary>dy, y → dx = dy where y &gt; 0, else 0; y is the forward output.</summary>
public sealed record ReluBackward : Operation;

/// <summary>
/// dy, x, gamma[C], beta[C], savedMean[C], savedInverseDeviation[C] → dx = dy where the batch norm of x,
/// <c>(x - mean) * inverseDeviation * gamma + beta</c>, is positive, else 0: the gradient of a ReLU behind a batch norm,
/// from what the norm's own gradient reads anyway.
/// </summary>
public sealed record NormReluBackward : Operation;

/// <summary>a, b → y = a + b: the join of a residual block, or of two gradients.</summary>
public sealed record Add : Operation;

/// <summary>
/// x[N,H,W,C] → y[N,P,Q,C] (, argmax[N,P,Q,C] as u8: r * Window + s of the first maximum; training only).
/// </summary>
public sealed record MaxPool(PoolGeometry Geometry) : Operation;

/// <summary>dy[N,P,Q,C], argmax → dx[N,H,W,C].</summary>
public sealed record MaxPoolBackward(PoolGeometry Geometry) : Operation;

/// <summary>x[N,H,W,C] → y[N,C], the mean over H and W.</summary>
public sealed record GlobalAveragePool : Operation;

/// <summary>dy[N,C] → dx[N,Height,Width,C].</summary>
public sealed record GlobalAveragePoolBackward(int Height, int Width) : Operation;

/// <summary>x[N,H,W,C] → y[N,P,Q,K]: every Stride-th pixel, with zeros as further channels.</summary>
public sealed record Subsample(SubsampleGeometry Geometry) : Operation;

/// <summary>dy[N,P,Q,K] → dx[N,H,W,C]; 0 where the pixel was left out.</summary>
public sealed record SubsampleBackward(SubsampleGeometry Geometry) : Operation;

/// <summary>x[N,C], w[K,C], b[K] → y[N,K] in the parameter type (logits keep full precision).</summary>
public sealed record Linear(int InFeatures, int OutFeatures) : Operation;

/// <summary>dy[N,K] in the parameter type, w[K,C] → dx[N,C] in the activation type.</summary>
public sealed record LinearBackwardData(int InFeatures, int OutFeatures, DataType ActivationType) : Operation;

/// <summary>x[N,C] in the activation type, dy[N,K] in the parameter type → dw[K,C].</summary>
public sealed record LinearBackwardFilter(int InFeatures, int OutFeatures, DataType ActivationType) : Operation;

/// <summary>
/// logits[N,K], labels[N] (i32) → loss[]: the mean over the batch of the cross-entropy against
/// <c>(1 - Smoothing) * onehot + Smoothing / K</c>.
/// </summary>
public sealed record SoftmaxCrossEntropy(double Smoothing) : Operation;

/// <summary>logits[N,K], labels[N] → dlogits[N,K] of <see cref="SoftmaxCrossEntropy"/>.</summary>
public sealed record SoftmaxCrossEntropyBackward(double Smoothing) : Operation;

/// <summary>logits[N,1], labels[N] in {0, 1} → loss[]: the mean binary cross-entropy of sigmoid(logit).</summary>
public sealed record SigmoidCrossEntropy(double Smoothing) : Operation;

/// <summary>logits[N,1], labels[N] → dlogits[N,1] of <see cref="SigmoidCrossEntropy"/>.</summary>
public sealed record SigmoidCrossEntropyBackward(double Smoothing) : Operation;

/// <summary>
/// w, dw, velocity, learningRate[] (, gradientScale[]) (, trustRatio[]) (, overflow[]) → nothing; w and velocity change in place:
/// <c>g = (gradientScale * dw + WeightDecay * w) * trustRatio; velocity = Momentum * velocity + g;
/// w -= learningRate * velocity</c> (PyTorch's SGD, where a factor that is not given is 1).
/// </summary>
public sealed record SgdUpdate(double Momentum, double WeightDecay) : Operation
{
    /// <summary>Moves w by <c>g + Momentum * velocity</c> instead of the velocity alone.</summary>
    public bool Nesterov { get; init; }

    /// <summary>There is a gradientScale: see <see cref="ClipScale"/>.</summary>
    public bool IsScaled { get; init; }

    /// <summary>There is a trustRatio: see <see cref="TrustRatio"/>.</summary>
    public bool IsTrusted { get; init; }

    /// <summary>There is an overflow[], the last input: where it is not 0, nothing changes. See <see cref="FindOverflow"/>.</summary>
    public bool IsGuarded { get; init; }
}

/// <summary>
/// y, x (, overflow[]) → nothing; y changes in place to <c>Keep * y + Take * x</c>. An operand whose factor is 0 is not read. Adds up
/// gradients, moves averages, clears.
/// </summary>
public sealed record Blend(double Keep, double Take) : Operation
{
    /// <summary>There is an overflow[], the last input: where it is not 0, nothing changes. See <see cref="FindOverflow"/>.</summary>
    public bool IsGuarded { get; init; }
}

/// <summary>
/// x, factor[] → y = factor * x: the gradient of the logits times the loss scale, so that gradients behind it do not
/// vanish in fp16.
/// </summary>
public sealed record Scale : Operation;

/// <summary>x, overflow[] → nothing; overflow becomes 1 where an element of x is infinite or NaN, else stays as it is.</summary>
public sealed record FindOverflow : Operation;

/// <summary>
/// overflow[], scale[], inverse[], goodSteps[], skippedSteps[] → nothing; all change in place. A step that overflowed
/// counts as skipped, multiplies the scale by Backoff and ends the run of good steps; the Interval-th good step in a row
/// multiplies it by Growth, unless that is not finite in the scale's type. Then inverse = 1 / scale and overflow = 0
/// (PyTorch's <c>GradScaler</c>).
/// </summary>
public sealed record AdjustLossScale(double Growth, double Backoff, int Interval) : Operation;

/// <summary>
/// x (, sum[]) → total[] = the sum of x² (+ sum), accumulated so that the order depends on the backend's configuration
/// alone. With a sum it continues a norm over several tensors.
/// </summary>
public sealed record SquaredSum : Operation
{
    /// <summary>There is a sum.</summary>
    public bool Continues { get; init; }
}

/// <summary>
/// squaredNorm[] (, inverse[]) → scale[] = inverse * min(1, MaxNorm / (inverse * norm + 1e-6)): what gradients are
/// multiplied by so that their norm is MaxNorm at most (PyTorch's <c>clip_grad_norm_</c>). The inverse takes a loss
/// scale back and is 1 where it is not given. A NaN stays one.
/// </summary>
public sealed record ClipScale(double MaxNorm) : Operation
{
    /// <summary>As PyTorch has it.</summary>
    public const double Epsilon = 1e-6;

    /// <summary>There is an inverse: see <see cref="AdjustLossScale"/>.</summary>
    public bool IsScaled { get; init; }
}

/// <summary>
/// squaredNorm[] of w, squaredNorm[] of dw (, gradientScale[]) → ratio[] =
/// <c>Coefficient * |w| / (gradientScale * |dw| + WeightDecay * |w|)</c>, and 1 where either norm is 0: the rate of one
/// tensor in LARS (You et al., arXiv 1708.03888).
/// </summary>
public sealed record TrustRatio(double Coefficient, double WeightDecay) : Operation
{
    /// <summary>There is a gradientScale.</summary>
    public bool IsScaled { get; init; }
}

/// <summary>x → y in another element type, round to nearest even.</summary>
public sealed record Cast(DataType To) : Operation;
