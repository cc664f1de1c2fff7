using CudnnResNet.Tensors;

namespace CudnnResNet.Weights;

/// <summary>The names of element types in safetensors headers.</summary>
internal static class SafetensorsTypes
{
    public const string Known = "F64, F32, BF16, F16, F8_E4M3, F8_E5M2, I64, I32, U8";

    public static DataType? Parse(string name) => name switch
    {
        "F64" => DataType.Float64,
        "F32" => DataType.Float32,
        "BF16" => DataType.BFloat16,
        "F16" => DataType.Float16,
        "I64" => DataType.Int64,
        "I32" => DataType.Int32,
        "U8" => DataType.UInt8,
        _ => null,
    };

    /// <summary>Types that are widened to float16 as they are read.</summary>
    public static Float8Format? ParseFloat8(string name) => name switch
    {
        "F8_E4M3" => Float8Format.E4M3,
        "F8_E5M2" => Float8Format.E5M2,
        _ => null,
    };

    public static string Name(DataType type) => type switch
    {
        DataType.Float64 => "F64",
        DataType.Float32 => "F32",
        DataType.BFloat16 => "BF16",
        DataType.Float16 => "F16",
        DataType.Int64 => "I64",
        DataType.Int32 => "I32",
        DataType.UInt8 => "U8",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };
}
