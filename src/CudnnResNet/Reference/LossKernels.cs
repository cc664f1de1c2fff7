using System.Numerics;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Reference;

/// <summary>Cross-entropy of one row against one smoothed label, and its derivative.</summary>
internal interface ICriterion
{
    static abstract double Loss<T>(ReadOnlySpan<T> logits, int label, double smoothing)
        where T : unmanaged, IFloatingPointIeee754<T>;

    static abstract double Derivative<T>(ReadOnlySpan<T> logits, int k, int label, double smoothing)
        where T : unmanaged, IFloatingPointIeee754<T>;
}

internal readonly struct SoftmaxCriterion : ICriterion
{
    public static double Loss<T>(ReadOnlySpan<T> logits, int label, double smoothing)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        double normaliser = LogSumExp(logits);
        double loss = 0;
        for (int k = 0; k < logits.Length; k++)
            loss += Target(k, label, smoothing, logits.Length) * (normaliser - double.CreateTruncating(logits[k]));
        return loss;
    }

    public static double Derivative<T>(ReadOnlySpan<T> logits, int k, int label, double smoothing)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Math.Exp(double.CreateTruncating(logits[k]) - LogSumExp(logits)) - Target(k, label, smoothing, logits.Length);

    private static double Target(int k, int label, double smoothing, int classes) =>
        (k == label ? 1 - smoothing : 0) + smoothing / classes;

    private static double LogSumExp<T>(ReadOnlySpan<T> logits) where T : unmanaged, IFloatingPointIeee754<T>
    {
        double largest = double.NegativeInfinity;
        foreach (T logit in logits)
            largest = Math.Max(largest, double.CreateTruncating(logit));
        double sum = 0;
        foreach (T logit in logits)
            sum += Math.Exp(double.CreateTruncating(logit) - largest);
        return largest + Math.Log(sum);
    }
}

/// <summary>In the form that neither overflows nor cancels: max(x, 0) - x t + log(1 + exp(-|x|)).</summary>
internal readonly struct SigmoidCriterion : ICriterion
{
    public static double Loss<T>(ReadOnlySpan<T> logits, int label, double smoothing)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        double x = double.CreateTruncating(logits[0]);
        return Math.Max(x, 0) - x * Target(label, smoothing) + Math.Log(1 + Math.Exp(-Math.Abs(x)));
    }

    public static double Derivative<T>(ReadOnlySpan<T> logits, int k, int label, double smoothing)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        1 / (1 + Math.Exp(-double.CreateTruncating(logits[0]))) - Target(label, smoothing);

    private static double Target(int label, double smoothing) => label * (1 - smoothing) + smoothing / 2;
}

/// <summary>The mean over the batch, on one thread: the sum has one order.</summary>
internal sealed class LoadedLoss<T, TCriterion>(Binding binding, double smoothing) : LoadedReference(binding, items: 1)
    where T : unmanaged, IFloatingPointIeee754<T>
    where TCriterion : struct, ICriterion
{
    public override void Do(int begin, int end, int worker)
    {
        int classes = Binding.InputShape(0).C;
        ReadOnlySpan<T> logits = Binding.Input<T>(0);
        ReadOnlySpan<int> labels = Binding.Input<int>(1);
        double sum = 0;
        for (int n = 0; n < labels.Length; n++)
            sum += TCriterion.Loss(logits.Slice(n * classes, classes), labels[n], smoothing);
        Binding.Output<T>(0)[0] = T.CreateTruncating(sum / labels.Length);
    }
}

/// <summary>One item is one image.</summary>
internal sealed class LoadedLossBackward<T, TCriterion>(Binding binding, double smoothing)
    : LoadedReference(binding, binding.InputShape(0).D0)
    where T : unmanaged, IFloatingPointIeee754<T>
    where TCriterion : struct, ICriterion
{
    public override void Do(int begin, int end, int worker)
    {
        int classes = Binding.InputShape(0).C;
        ReadOnlySpan<T> logits = Binding.Input<T>(0);
        ReadOnlySpan<int> labels = Binding.Input<int>(1);
        Span<T> gradient = Binding.Output<T>(0);
        for (int n = begin; n < end; n++)
            for (int k = 0; k < classes; k++)
                gradient[n * classes + k] = T.CreateTruncating(TCriterion.Derivative(
                    logits.Slice(n * classes, classes), k, labels[n], smoothing) / labels.Length);
    }
}

internal sealed class SoftmaxCrossEntropyKernel(WorkerPool workers) : ReferenceKernel<SoftmaxCrossEntropy>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) =>
        new LoadedLoss<T, SoftmaxCriterion>(binding, OperationOf(binding).Smoothing);
}

internal sealed class SigmoidCrossEntropyKernel(WorkerPool workers) : ReferenceKernel<SigmoidCrossEntropy>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) =>
        new LoadedLoss<T, SigmoidCriterion>(binding, OperationOf(binding).Smoothing);
}

internal sealed class SoftmaxCrossEntropyBackwardKernel(WorkerPool workers)
    : ReferenceKernel<SoftmaxCrossEntropyBackward>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) =>
        new LoadedLossBackward<T, SoftmaxCriterion>(binding, OperationOf(binding).Smoothing);
}

internal sealed class SigmoidCrossEntropyBackwardKernel(WorkerPool workers)
    : ReferenceKernel<SigmoidCrossEntropyBackward>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) =>
        new LoadedLossBackward<T, SigmoidCriterion>(binding, OperationOf(binding).Smoothing);
}
