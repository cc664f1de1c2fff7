using System.Buffers.Binary;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Conformance;

/// <summary>Doubles as the bytes of a tensor in memory, and back.</summary>
internal static class StorageFormat
{
    /// <summary>The largest relative error of one rounding to nearest.</summary>
    public static double UnitRoundoff(DataType type) => type switch
    {
        DataType.Float64 => Math.ScaleB(1, -53),
        DataType.Float32 => Math.ScaleB(1, -24),
        DataType.BFloat16 => Math.ScaleB(1, -8),
        DataType.Float16 => Math.ScaleB(1, -11),
        _ => 0,
    };

    /// <summary>The largest absolute error of one rounding among numbers too small for full precision: fp16 has them above 1e-5.</summary>
    public static double Underflow(DataType type) => type == DataType.Float16 ? Math.ScaleB(1, -25) : 0;

    /// <summary>The nearest number of the type, ties to even.</summary>
    public static double Round(double value, DataType type) => type switch
    {
        DataType.Float64 => value,
        DataType.Float32 => (float)value,
        DataType.BFloat16 => RoundToBFloat16(value),
        DataType.Float16 => (double)(Half)value,
        DataType.Int32 or DataType.UInt8 => Math.Round(value),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    public static double[] Round(double[] values, DataType type) => Array.ConvertAll(values, value => Round(value, type));

    public static void Encode(ReadOnlySpan<double> values, DataType type, Span<byte> bytes)
    {
        int size = type.ByteSize();
        for (int i = 0; i < values.Length; i++)
        {
            Span<byte> element = bytes.Slice(i * size, size);
            switch (type)
            {
                case DataType.Float64:
                    BinaryPrimitives.WriteDoubleLittleEndian(element, values[i]);
                    break;
                case DataType.Float32:
                    BinaryPrimitives.WriteSingleLittleEndian(element, (float)values[i]);
                    break;
                case DataType.BFloat16:
                    uint bits = BitConverter.SingleToUInt32Bits((float)RoundToBFloat16(values[i]));
                    BinaryPrimitives.WriteUInt16LittleEndian(element, (ushort)(bits >> 16));
                    break;
                case DataType.Float16:
                    BinaryPrimitives.WriteHalfLittleEndian(element, (Half)values[i]);
                    break;
                case DataType.Int32:
                    BinaryPrimitives.WriteInt32LittleEndian(element, (int)values[i]);
                    break;
                case DataType.UInt8:
                    element[0] = (byte)values[i];
                    break;
                default:
                    throw new ArgumentOutOfRangeException(nameof(type), type, null);
            }
        }
    }

    public static double[] Decode(ReadOnlySpan<byte> bytes, DataType type)
    {
        int size = type.ByteSize();
        double[] values = new double[bytes.Length / size];
        for (int i = 0; i < values.Length; i++)
        {
            ReadOnlySpan<byte> element = bytes.Slice(i * size, size);
            values[i] = type switch
            {
                DataType.Float64 => BinaryPrimitives.ReadDoubleLittleEndian(element),
                DataType.Float32 => BinaryPrimitives.ReadSingleLittleEndian(element),
                DataType.BFloat16 => BitConverter.UInt32BitsToSingle(
                    (uint)BinaryPrimitives.ReadUInt16LittleEndian(element) << 16),
                DataType.Float16 => (double)BinaryPrimitives.ReadHalfLittleEndian(element),
                DataType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(element),
                DataType.UInt8 => element[0],
                _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
            };
        }
        return values;
    }

    /// <summary>Normal numbers only: multiplies so that the spacing of bf16's 8 bits becomes 1, and rounds there.</summary>
    private static double RoundToBFloat16(double value)
    {
        if (value == 0 || !double.IsFinite(value))
            return value;
        int exponent = Math.ILogB(value) - 7;
        return Math.ScaleB(Math.Round(Math.ScaleB(value, -exponent), MidpointRounding.ToEven), exponent);
    }
}
