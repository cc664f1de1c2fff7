using CudnnResNet.Graph;

namespace CudnnResNet.Weights;

/// <summary>
/// Fresh weights as torchvision draws them: filters normal with variance 2 / (K R S) (He et al. 2015, fan out), the
/// classifier uniform within 1 / sqrt(fan in), batch norms 1 and 0. Each tensor's stream depends on the seed and its
/// name alone.
/// </summary>
public static class WeightInitialization
{
    /// <param name="values">Parameters and running statistics of a network.</param>
    /// <param name="seed">Of every stream.</param>
    /// <param name="zeroInitLastBatchNorm">
    /// The last gamma of every residual branch is 0, so that blocks begin as their shortcuts (Goyal et al., arXiv 1706.02677).
    /// </param>
    public static NetworkWeights Create(IEnumerable<Value> values, ulong seed, bool zeroInitLastBatchNorm = false)
    {
        Dictionary<string, NamedTensor> tensors = [];
        List<Value> all = [.. values];
        HashSet<string> zero = zeroInitLastBatchNorm ? LastGammas([.. all.Select(value => value.Name)]) : [];
        int features = all.First(value => value.Name == "fc.weight").Shape.C;
        double[] buffer = new double[all.Max(value => value.Shape.Elements)];
        foreach (Value value in all)
        {
            Span<double> x = buffer.AsSpan(0, checked((int)value.Shape.Elements));
            x.Clear();
            if (!zero.Contains(value.Name))
                Draw(value, features, seed, x);
            tensors.Add(value.Name, NetworkWeights.ToFile(value, value.Name, x));
        }
        return new NetworkWeights(tensors, $"weights drawn with seed {seed}");
    }

    private static void Draw(Value value, int features, ulong seed, Span<double> x)
    {
        Random random = new(Seed(value.Name, seed));
        if (value.Shape.Rank == 4)
        {
            double deviation = Math.Sqrt(2.0 / ((double)value.Shape.D0 * value.Shape.D1 * value.Shape.D2));
            for (int i = 0; i < x.Length; i++)
                x[i] = deviation * Normal(random);
        }
        else if (value.Name is "fc.weight" or "fc.bias")
        {
            double bound = 1 / Math.Sqrt(features);
            for (int i = 0; i < x.Length; i++)
                x[i] = bound * (2 * random.NextDouble() - 1);
        }
        else if (value.Name.EndsWith(".weight", StringComparison.Ordinal)
            || value.Name.EndsWith(".running_var", StringComparison.Ordinal))
        {
            x.Fill(1);
        }
    }

    /// <summary>In each block <c>layerS.B</c>, the gamma of the batch norm <c>bnN</c> with the highest number.</summary>
    private static HashSet<string> LastGammas(HashSet<string> names)
    {
        HashSet<string> last = [];
        foreach (string name in names)
            if (name.StartsWith("layer", StringComparison.Ordinal)
                && name.LastIndexOf(".bn", StringComparison.Ordinal) is int at and >= 0
                && name.EndsWith(".weight", StringComparison.Ordinal)
                && !names.Contains($"{name[..at]}.bn{name[at + 3] - '0' + 1}.weight"))
                last.Add(name);
        return last;
    }

    /// <summary>Box and Muller's transform.</summary>
    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    /// <summary>FNV-1a of the name, mixed with the seed.</summary>
    private static int Seed(string name, ulong seed)
    {
        ulong hash = 0xCBF29CE484222325 ^ seed * 0x9E3779B97F4A7C15;
        foreach (char c in name)
            hash = (hash ^ c) * 0x100000001B3;
        return (int)(hash ^ hash >> 32);
    }
}
