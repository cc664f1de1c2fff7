using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using CudnnResNet.Onnx.Format;
using CudnnResNet.Tensors;
using CudnnResNet.Weights;

namespace CudnnResNet.Onnx;

/// <summary>The data of ONNX tensors.</summary>
internal static class OnnxTensors
{
    private const int External = 1;

    /// <summary>ONNX's numbers of the element types that are read.</summary>
    private static readonly (int Number, DataType Type)[] Types =
        [(1, DataType.Float32), (7, DataType.Int64), (10, DataType.Float16), (11, DataType.Float64), (16, DataType.BFloat16)];

    public static bool IsExternal(TensorProto tensor) => tensor.DataLocation == External || tensor.ExternalData.Count > 0;

    /// <exception cref="ResNetException">The type is not read, or the shape overflows.</exception>
    public static TensorInfo Describe(TensorProto tensor, string path)
    {
        foreach ((int number, DataType type) in Types)
            if (number == tensor.DataType)
            {
                Int128 bytes = type.ByteSize();
                foreach (long extent in tensor.Dims)
                    bytes = extent >= 0 && bytes <= int.MaxValue ? bytes * extent : Int128.MaxValue;
                return tensor.Dims.Count <= 8 && bytes <= int.MaxValue
                    ? new TensorInfo(tensor.Name, type, [.. tensor.Dims])
                    : throw Bad(tensor, path, "its shape is not one that is read");
            }
        throw Bad(tensor, path, $"element type {tensor.DataType} is not read; float, float16, bfloat16, double and int64 are");
    }

    /// <exception cref="ResNetException">The data do not fill the shape.</exception>
    public static NamedTensor Read(TensorProto tensor, string path, string? externalFolder)
    {
        TensorInfo info = Describe(tensor, path);
        ReadOnlyMemory<byte> data = IsExternal(tensor)
            ? ExternalData.Read(tensor, info.Bytes, path, externalFolder)
            : tensor.RawData.Length > 0 || info.Bytes == 0 ? tensor.RawData.Memory
            : Typed(tensor, info.Type);
        return data.Length == info.Bytes
            ? new NamedTensor(tensor.Name, info.Type, info.Shape, data)
            : throw Bad(tensor, path, $"[{string.Join(',', info.Shape)}] takes {info.Bytes} bytes, and there are {data.Length}");
    }

    /// <summary>Numbers in fields of their type; halves of 16 bits lie in 32.</summary>
    private static byte[] Typed(TensorProto tensor, DataType type)
    {
        switch (type)
        {
            case DataType.Float32:
                return MemoryMarshal.AsBytes<float>(tensor.FloatData.ToArray()).ToArray();
            case DataType.Float64:
                return MemoryMarshal.AsBytes<double>(tensor.DoubleData.ToArray()).ToArray();
            case DataType.Int64:
                return MemoryMarshal.AsBytes<long>(tensor.Int64Data.ToArray()).ToArray();
            default:
                byte[] halves = new byte[2 * tensor.Int32Data.Count];
                for (int i = 0; i < tensor.Int32Data.Count; i++)
                    BinaryPrimitives.WriteUInt16LittleEndian(halves.AsSpan(2 * i), (ushort)tensor.Int32Data[i]);
                return halves;
        }
    }

    /// <summary>A tensor of float32 with raw data.</summary>
    public static TensorProto Make(string name, ImmutableArray<long> shape, ReadOnlySpan<float> values)
    {
        TensorProto tensor = new()
        {
            Name = name,
            DataType = 1,
            RawData = Google.Protobuf.ByteString.CopyFrom(MemoryMarshal.AsBytes(values)),
        };
        tensor.Dims.AddRange(shape);
        return tensor;
    }

    public static TensorProto Make(string name, params ReadOnlySpan<long> values)
    {
        TensorProto tensor = new()
        {
            Name = name,
            DataType = 7,
            RawData = Google.Protobuf.ByteString.CopyFrom(MemoryMarshal.AsBytes(values)),
        };
        tensor.Dims.Add(values.Length);
        return tensor;
    }

    internal static ResNetException Bad(TensorProto tensor, string path, string problem) =>
        new(OnnxGraph.OneLine($"{path}: tensor '{tensor.Name}' is not readable: {problem}; export the network again"));
}
