namespace CudnnResNet.Tensors;

/// <summary>The element types that tensors hold in memory and in files.</summary>
public enum DataType
{
    Float64,
    Float32,
    BFloat16,
    Float16,
    Int64,
    Int32,
    UInt8,
}

public static class DataTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int ByteSize(this DataType type) => type switch
    {
        DataType.Float64 or DataType.Int64 => 8,
        DataType.Float32 or DataType.Int32 => 4,
        DataType.BFloat16 or DataType.Float16 => 2,
        DataType.UInt8 => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    /// <summary>The short name of problem lines: f64 f32 bf16 f16 i64 i32 u8.</summary>
    public static string ShortName(this DataType type) => type switch
    {
        DataType.Float64 => "f64",
        DataType.Float32 => "f32",
        DataType.BFloat16 => "bf16",
        DataType.Float16 => "f16",
        DataType.Int64 => "i64",
        DataType.Int32 => "i32",
        DataType.UInt8 => "u8",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };
}
