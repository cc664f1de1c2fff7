using System.Runtime.InteropServices;

namespace CudnnResNet.Tests.Cuda;

/// <summary>Doubles as the elements of a kernel's memory: f32, bf16 and f16.</summary>
internal static class Elements
{
    public static KernelMemory Memory(double[] values, string type) => type == "f32"
        ? KernelMemory.Of<float>([.. values.Select(value => (float)value)])
        : KernelMemory.Of<ushort>([.. values.Select(value => Bits(value, type))]);

    public static double[] Of(KernelMemory memory, string type) => type == "f32"
        ? [.. MemoryMarshal.Cast<byte, float>(memory.Bytes).ToArray().Select(value => (double)value)]
        : [.. MemoryMarshal.Cast<byte, ushort>(memory.Bytes).ToArray().Select(bits => Value(bits, type))];

    /// <summary>What is left after one rounding to nearest even.</summary>
    public static double[] Rounded(double[] values, string type) =>
        [.. values.Select(value => type == "f32" ? (float)value : Value(Bits(value, type), type))];

    private static ushort Bits(double value, string type)
    {
        if (type == "f16")
            return BitConverter.HalfToUInt16Bits((Half)value);
        uint bits = BitConverter.SingleToUInt32Bits((float)value);
        return (ushort)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    }

    private static double Value(ushort bits, string type) => type == "f16"
        ? (double)BitConverter.UInt16BitsToHalf(bits)
        : BitConverter.UInt32BitsToSingle((uint)bits << 16);
}
