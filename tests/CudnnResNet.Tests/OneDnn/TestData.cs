using System.Runtime.InteropServices;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.OneDnn;

/// <summary>Seeded operands that are exact in their element type, and the bytes they have in memory.</summary>
internal static class TestData
{
    /// <summary>A value array for each value of the problem; empty where it is not an input.</summary>
    internal static double[][] Inputs(Problem problem, int seed)
    {
        Random random = new(seed);
        double[][] values = [.. problem.Values.Select(_ => Array.Empty<double>())];
        foreach (ValueId id in problem.Inputs)
            values[id.Index] = Fill(problem, problem[id], random);
        return values;
    }

    internal static double RoundToBFloat16(double value)
    {
        uint bits = BitConverter.SingleToUInt32Bits((float)value);
        return BitConverter.UInt32BitsToSingle(bits + 0x7FFF + (bits >> 16 & 1) & 0xFFFF0000);
    }

    internal static byte[] ToBytes(DataType type, double[] values) => type switch
    {
        DataType.Float32 => MemoryMarshal.AsBytes<float>(Array.ConvertAll(values, v => (float)v)).ToArray(),
        DataType.BFloat16 => MemoryMarshal.AsBytes<ushort>(
            Array.ConvertAll(values, v => (ushort)(BitConverter.SingleToUInt32Bits((float)v) >> 16))).ToArray(),
        DataType.Int32 => MemoryMarshal.AsBytes<int>(Array.ConvertAll(values, v => (int)v)).ToArray(),
        DataType.UInt8 => Array.ConvertAll(values, v => (byte)v),
        _ => throw new NotSupportedException(type.ToString()),
    };

    internal static double[] FromBytes(DataType type, byte[] bytes) => type switch
    {
        DataType.Float32 => Array.ConvertAll(MemoryMarshal.Cast<byte, float>(bytes).ToArray(), v => (double)v),
        DataType.BFloat16 => Array.ConvertAll(
            MemoryMarshal.Cast<byte, ushort>(bytes).ToArray(), v => (double)BitConverter.UInt32BitsToSingle((uint)v << 16)),
        DataType.UInt8 => Array.ConvertAll(bytes, v => (double)v),
        _ => throw new NotSupportedException(type.ToString()),
    };

    private static double[] Fill(Problem problem, Value value, Random random)
    {
        (Node node, int slot) = FirstUse(problem, value.Id);
        double[] values = new double[value.Shape.Elements];
        for (int i = 0; i < values.Length; i++)
            values[i] = (node.Operation, slot) switch
            {
                (BatchNormInference, 4) or (BatchNormTraining, 4) => random.NextDouble() + 0.5,
                (BatchNormApply or BatchNormBackward, 4) => random.NextDouble() + 0.5,
                (SoftmaxCrossEntropy or SoftmaxCrossEntropyBackward, 1) => random.Next(problem[node.Inputs[0]].Shape.D1),
                (SigmoidCrossEntropy or SigmoidCrossEntropyBackward, 1) => random.Next(2),
                (MaxPoolBackward pool, 1) => random.Next(pool.Geometry.Window * pool.Geometry.Window),
                (SgdUpdate, 3) => 0.1,
                // A mean away from 0, so that a cancelling formula shows.
                (BatchNormTraining, 0) => random.NextDouble() * 2 + i % 5,
                _ => random.NextDouble() * 2 - 1,
            };
        return value.Type switch
        {
            DataType.BFloat16 => Array.ConvertAll(values, RoundToBFloat16),
            DataType.Float32 => Array.ConvertAll(values, v => (double)(float)v),
            _ => values,
        };
    }

    private static (Node Node, int Slot) FirstUse(Problem problem, ValueId id)
    {
        foreach (Node node in problem.Nodes)
            if (node.Inputs.IndexOf(id) is >= 0 and var slot)
                return (node, slot);
        throw new ArgumentException($"{id} is not read.");
    }
}
