namespace CudnnResNet.Tensors;

/// <summary>
/// The number formats of a network: activations and their gradients in one type, parameters, statistics, logits and
/// losses in another. Mixed precision keeps float32 parameters. TF32 is float32 in memory; products may round their
/// factors to ten bits of mantissa.
/// </summary>
public enum Precision
{
    Fp32,
    Tf32,
    Bf16,
    Fp16,
    Fp64,
}

public static class Precisions
{
    public static DataType ActivationType(this Precision precision) => precision switch
    {
        Precision.Fp32 or Precision.Tf32 => DataType.Float32,
        Precision.Bf16 => DataType.BFloat16,
        Precision.Fp16 => DataType.Float16,
        Precision.Fp64 => DataType.Float64,
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, null),
    };

    public static DataType ParameterType(this Precision precision) => ParameterTypeFor(precision.ActivationType());

    /// <summary>The type of parameters, statistics and logits beside activations of the given type.</summary>
    public static DataType ParameterTypeFor(DataType activationType) =>
        activationType == DataType.Float64 ? DataType.Float64 : DataType.Float32;

    public static string ShortName(this Precision precision) => precision switch
    {
        Precision.Fp32 => "fp32",
        Precision.Tf32 => "tf32",
        Precision.Bf16 => "bf16",
        Precision.Fp16 => "fp16",
        Precision.Fp64 => "fp64",
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, null),
    };
}
