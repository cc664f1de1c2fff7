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

    /// <summary>How many classes come before <paramref name="label"/> in the order of descending logits, the first of equals first.</summary>
    public static int Rank(ReadOnlySpan<float> logits, int label)
    {
        if (logits.Length == 1)
            return Predict(logits) == label ? 0 : 1;
        int rank = 0;
        for (int i = 0; i < logits.Length; i++)
            if (logits[i] > logits[label] || (logits[i] == logits[label] && i < label))
                rank++;
        return rank;
    }

    /// <summary>The classes with the largest logits and their probabilities, the likeliest first.</summary>
    public static (int Class, double Probability)[] Top(ReadOnlySpan<float> logits, int count)
    {
        int classes = Math.Max(2, logits.Length);
        var top = new (int Class, double Probability)[Math.Min(count, classes)];
        double likelier = double.PositiveInfinity;
        for (int place = 0, last = -1; place < top.Length; place++)
        {
            int best = -1;
            for (int label = 0; label < classes; label++)
                if (IsAfter(label, logits) && (best < 0 || Logit(logits, label) > Logit(logits, best)))
                    best = label;
            top[place] = (best, Of(logits, best).Probability);
            (likelier, last) = (Logit(logits, best), best);

            bool IsAfter(int label, ReadOnlySpan<float> row) =>
                Logit(row, label) < likelier || (Logit(row, label) == likelier && label > last);
        }
        return top;

        static double Logit(ReadOnlySpan<float> row, int label) => row.Length > 1 ? row[label] : label == 1 ? row[0] : 0;
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
