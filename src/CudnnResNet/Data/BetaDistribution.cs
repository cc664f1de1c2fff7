namespace CudnnResNet.Data;

/// <summary>Beta numbers by counter: Jöhnk's method for small parameters, two gamma numbers by Marsaglia and Tsang's otherwise.</summary>
internal static class BetaDistribution
{
    /// <summary>Draws that one number may take; after them, the mean.</summary>
    private const ulong MostAttempts = 256;

    /// <param name="alpha">Both parameters, above 0.</param>
    /// <param name="random">The numbers.</param>
    /// <param name="first">The first of them; up to 2,048 are taken.</param>
    public static double Symmetric(double alpha, CounterRandom random, ulong first)
    {
        if (alpha > 1)
        {
            double x = Gamma(alpha, random, first);
            return x / (x + Gamma(alpha, random, first + 3 * MostAttempts));
        }
        for (ulong attempt = 0; attempt < MostAttempts; attempt++)
        {
            // In logarithms: powers of 1 / alpha of small numbers vanish.
            double u = Math.Log(1 - random.Uniform(first + 2 * attempt)) / alpha;
            double v = Math.Log(1 - random.Uniform(first + 2 * attempt + 1)) / alpha;
            double larger = Math.Max(u, v);
            double sum = larger + Math.Log(Math.Exp(u - larger) + Math.Exp(v - larger));
            if (sum <= 0)
                return Math.Exp(u - sum);
        }
        return 0.5;
    }

    private static double Gamma(double shape, CounterRandom random, ulong first)
    {
        double d = shape - 1.0 / 3;
        double c = 1 / Math.Sqrt(9 * d);
        for (ulong attempt = 0; attempt < MostAttempts; attempt++)
        {
            ulong draw = first + 3 * attempt;
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.Uniform(draw))) * Math.Cos(2 * Math.PI * random.Uniform(draw + 1));
            double v = Math.Pow(1 + c * normal, 3);
            if (v > 0 && Math.Log(1 - random.Uniform(draw + 2)) < normal * normal / 2 + d - d * v + d * Math.Log(v))
                return d * v;
        }
        return shape;
    }
}
