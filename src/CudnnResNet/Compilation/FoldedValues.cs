namespace CudnnResNet.Compilation;

/// <summary>Computes folded parameters, in double.</summary>
public static class FoldedValues
{
    /// <param name="parameter">What to compute.</param>
    /// <param name="source">The network's own parameters by name, in arrays that may be changed; filters in KRSC order.</param>
    /// <returns>The values in the order of the folded parameter's shape.</returns>
    public static double[] Compute(FoldedParameter parameter, Func<string, double[]> source)
    {
        BatchNormNames names = parameter.BatchNorm;
        double[] variance = source(names.Variance);
        double[] scale = [.. source(names.Gamma).Select((gamma, c) => gamma / Math.Sqrt(variance[c] + names.Epsilon))];
        switch (parameter)
        {
            case FoldedFilter filter:
                double[] w = source(filter.Filter);
                int perChannel = w.Length / scale.Length;
                for (int i = 0; i < w.Length; i++)
                    w[i] *= scale[i / perChannel];
                return w;
            case FoldedBias bias:
                double[] beta = source(names.Beta);
                double[] mean = source(names.Mean);
                double[]? b = bias.Bias is { } name ? source(name) : null;
                return [.. beta.Select((shift, c) => shift + ((b?[c] ?? 0) - mean[c]) * scale[c])];
            case FoldedScale:
                return scale;
            default:
                throw new ArgumentOutOfRangeException(nameof(parameter), parameter, null);
        }
    }
}
