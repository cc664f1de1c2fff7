using System.Collections.Immutable;
using System.Runtime.InteropServices;
using CudnnResNet.Graph;
using CudnnResNet.Tensors;

namespace CudnnResNet.Weights;

/// <summary>
/// A network's parameters and running statistics under torchvision's names, with filters in OIHW: what files hold.
/// </summary>
/// <param name="Tensors">By name.</param>
/// <param name="Origin">Where they came from, for error messages: a path, or what made them.</param>
public sealed record NetworkWeights(IReadOnlyDictionary<string, NamedTensor> Tensors, string Origin)
{
    private const int NamesShown = 4;

    /// <summary>The shape that a file gives a value.</summary>
    public static ImmutableArray<long> FileShape(TensorShape shape) => shape.Rank switch
    {
        4 => [shape.D0, shape.D3, shape.D1, shape.D2],
        2 => [shape.D0, shape.D1],
        1 => [shape.D0],
        _ => [],
    };

    /// <summary>A tensor in file order from values in the graph's order.</summary>
    public static NamedTensor ToFile(Value value, string name, ReadOnlySpan<double> values)
    {
        DataType type = value.Type == DataType.Float64 ? DataType.Float64 : DataType.Float32;
        // Straight into the tensor's bytes: large filters should not pass through copies that are garbage a moment later.
        byte[] data = new byte[values.Length * type.ByteSize()];
        (int k, int c, int r, int s) = FileOrder(value.Shape);
        if (type == DataType.Float64)
            FilterLayout.OihwFromKrsc(values, MemoryMarshal.Cast<byte, double>(data.AsSpan()), k, c, r, s);
        else
            FilterLayout.OihwFromKrsc(values, MemoryMarshal.Cast<byte, float>(data.AsSpan()), k, c, r, s);
        return new NamedTensor(name, type, FileShape(value.Shape), data);
    }

    /// <summary>The values of one parameter in the graph's order (KRSC).</summary>
    public double[] ValuesOf(string name, TensorShape shape)
    {
        double[] values = new double[shape.Elements];
        CopyTo(name, shape, values);
        return values;
    }

    /// <summary>Copies the values of one parameter in the graph's order (KRSC).</summary>
    /// <param name="values">As many as the shape has elements.</param>
    public void CopyTo(string name, TensorShape shape, Span<double> values)
    {
        NamedTensor tensor = Tensors[name];
        (int k, int c, int r, int s) = FileOrder(shape);
        switch (tensor.Type)
        {
            case DataType.Float32:
                FilterLayout.KrscFromOihw(tensor.AsFloats(), values, k, c, r, s);
                break;
            case DataType.Float64:
                FilterLayout.KrscFromOihw(MemoryMarshal.Cast<byte, double>(tensor.Data.Span), values, k, c, r, s);
                break;
            default:
                FilterLayout.KrscFromOihw<double, double>(tensor.ToDoubles(), values, k, c, r, s);
                break;
        }
    }

    /// <summary>Filters as they are; what has one order only is one row.</summary>
    private static (int K, int C, int R, int S) FileOrder(TensorShape shape) =>
        shape.Rank == 4 ? (shape.D0, shape.D3, shape.D1, shape.D2) : (1, checked((int)shape.Elements), 1, 1);

    /// <summary>Compares with what a network needs; batch counters and optimizer state are no surplus.</summary>
    /// <exception cref="ResNetException">Names what is missing, misshapen, of an integer type and surplus.</exception>
    public void RequireMatch(IEnumerable<Value> expected)
    {
        List<string> missing = [];
        List<string> misshapen = [];
        List<string> integers = [];
        HashSet<string> known = [];
        foreach (Value value in expected)
        {
            known.Add(value.Name);
            if (!Tensors.TryGetValue(value.Name, out NamedTensor? tensor))
                missing.Add(value.Name);
            else if (!tensor.Shape.AsSpan().SequenceEqual(FileShape(value.Shape).AsSpan()))
                misshapen.Add($"{value.Name} [{string.Join(',', tensor.Shape)}] instead of "
                    + $"[{string.Join(',', FileShape(value.Shape))}]");
            else if (tensor.Type is not (DataType.Float64 or DataType.Float32 or DataType.BFloat16 or DataType.Float16))
                integers.Add($"{value.Name} {tensor.Type.ShortName()}");
        }
        List<string> surplus = [.. Tensors.Keys.Where(name => !known.Contains(name) && !IsAuxiliary(name))];
        if (missing.Count + misshapen.Count + integers.Count + surplus.Count > 0)
            throw new ResNetException($"{Origin} does not fit the network:{Part("missing", missing)}"
                + $"{Part("misshapen", misshapen)}{Part("of an integer type", integers)}{Part("surplus", surplus)}. Check --model, --version, --stem and --classes.");
    }

    private static bool IsAuxiliary(string name) =>
        name.EndsWith(".num_batches_tracked", StringComparison.Ordinal)
        || name.StartsWith(OptimizerPrefix, StringComparison.Ordinal)
        || name.StartsWith(AveragePrefix, StringComparison.Ordinal);

    /// <summary>Optimizer state lies beside the parameters under this prefix.</summary>
    public const string OptimizerPrefix = "optimizer.";

    /// <summary>So do the moving averages of the weights.</summary>
    public const string AveragePrefix = "ema.";

    /// <summary>The moving averages under the names of the weights; null where there are none.</summary>
    public NetworkWeights? Averages()
    {
        Dictionary<string, NamedTensor> averages = [];
        foreach ((string name, NamedTensor tensor) in Tensors)
            if (name.StartsWith(AveragePrefix, StringComparison.Ordinal))
                averages.Add(name[AveragePrefix.Length..], tensor);
        return averages.Count == 0 ? null : new NetworkWeights(averages, $"{Origin} (moving average)");
    }

    private static string Part(string what, List<string> names) => names.Count == 0
        ? ""
        : $" {names.Count} {what} ({string.Join(", ", names.Take(NamesShown))}{(names.Count > NamesShown ? ", …" : "")})";
}
