namespace CudnnResNet.Inference;

/// <summary>Classes and probabilities from logits. One logit means two classes behind a sigmoid.</summary>
public static class Classification
{
    /// <summary>The class with the largest logit; the first of equals.</summary>
    public static int Predict(ReadOnlySpan<float> logits)
    {
        if (logits.Length == 1)
            return logits[0] > 0 ? 1 : 0;
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
            if (logits[i] > logits[best])
                best = i;
        return best;
    }

    /// <summary>The probability of <paramref name="label"/>, and its negative logarithm: the cross-entropy.</summary>
    public static (double Probability, double Loss) Of(ReadOnlySpan<float> logits, int label)
    {
        if (logits.Length == 1)
        {
            double x = label == 1 ? logits[0] : -logits[0];
            double sigmoidLoss = Math.Max(-x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x)));
            return (Math.Exp(-sigmoidLoss), sigmoidLoss);
        }
        double largest = double.NegativeInfinity;
        foreach (float logit in logits)
            largest = Math.Max(largest, logit);
        double sum = 0;
        foreach (float logit in logits)
            sum += Math.Exp(logit - largest);
        double loss = Math.Log(sum) - (logits[label] - largest);
        return (Math.Exp(-loss), loss);
    }

    /// <summary>The share of rows of <paramref name="logits"/> [N, classes] that are classified rightly.</summary>
    public static double Accuracy(ReadOnlySpan<float> logits, ReadOnlySpan<int> labels, int classes)
    {
        int right = 0;
        for (int n = 0; n < labels.Length; n++)
            if (Predict(logits.Slice(n * classes, classes)) == labels[n])
                right++;
        return (double)right / labels.Length;
    }
}
