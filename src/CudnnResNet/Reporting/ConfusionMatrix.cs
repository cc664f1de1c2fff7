namespace CudnnResNet.Reporting;

/// <summary>Counts of (true class, predicted class) over a labelled set.</summary>
public sealed class ConfusionMatrix
{
    private readonly int[,] _counts;

    /// <summary>An empty matrix, filled with <see cref="Add"/>.</summary>
    public ConfusionMatrix(int classes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        _counts = new int[classes, classes];
    }

    /// <param name="counts">Rows are true classes, columns predicted ones; copied.</param>
    public ConfusionMatrix(int[,] counts)
    {
        if (counts.GetLength(0) == 0 || counts.GetLength(0) != counts.GetLength(1))
            throw new ArgumentException($"{counts.GetLength(0)}x{counts.GetLength(1)} counts are not square.", nameof(counts));
        foreach (int count in counts)
            ArgumentOutOfRangeException.ThrowIfNegative(count, nameof(counts));
        _counts = (int[,])counts.Clone();
    }

    public int Classes => _counts.GetLength(0);

    public int this[int trueClass, int predictedClass] => _counts[trueClass, predictedClass];

    public void Add(int trueClass, int predictedClass) => _counts[trueClass, predictedClass]++;

    public long Total
    {
        get
        {
            long total = 0;
            foreach (int count in _counts)
                total += count;
            return total;
        }
    }

    /// <summary>The fraction on the diagonal; NaN when empty.</summary>
    public double Accuracy
    {
        get
        {
            long correct = 0;
            for (int k = 0; k < Classes; k++)
                correct += _counts[k, k];
            return (double)correct / Total;
        }
    }

    /// <summary>Images whose true class is <paramref name="k"/>.</summary>
    public long TrueTotal(int k)
    {
        long total = 0;
        for (int predicted = 0; predicted < Classes; predicted++)
            total += _counts[k, predicted];
        return total;
    }

    /// <summary>Images taken for class <paramref name="k"/>.</summary>
    public long PredictedTotal(int k)
    {
        long total = 0;
        for (int truth = 0; truth < Classes; truth++)
            total += _counts[truth, k];
        return total;
    }

    /// <summary>Of the images taken for class <paramref name="k"/>, the fraction that is; NaN when there are none.</summary>
    public double Precision(int k) => (double)_counts[k, k] / PredictedTotal(k);

    /// <summary>Of the images of class <paramref name="k"/>, the fraction recognised; NaN when there are none.</summary>
    public double Recall(int k) => (double)_counts[k, k] / TrueTotal(k);

    /// <summary>Harmonic mean of precision and recall; NaN when the class neither occurs nor is predicted.</summary>
    public double F1(int k) => 2.0 * _counts[k, k] / (TrueTotal(k) + PredictedTotal(k));
}
