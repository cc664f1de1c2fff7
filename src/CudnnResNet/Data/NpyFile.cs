using System.Runtime.InteropServices;
using System.Text;

using CudnnResNet.Tensors;
using CudnnResNet.Weights;

namespace CudnnResNet.Data;

/// <summary>
/// Reads float32, float64, int32, int64 and uint8 arrays of NumPy's .npy format in C order, and writes float32. The reader
/// is strict: the data must be exactly what the shape takes.
/// </summary>
public static class NpyFile
{
    /// <exception cref="ResNetException">The file is missing or damaged, or holds an array that is not read here.</exception>
    public static NpyArray Read(string path) => InputFile.Read(path, ".npy file", stream =>
    {
        var start = new byte[Math.Min(stream.Length, NpyHeader.MaxDataStart)];
        InputFile.ReadExactly(stream, start, path);
        NpyHeader header = NpyHeader.Parse(start, stream.Length, path);
        long bytes = stream.Length - header.DataStart;
        if (bytes > Array.MaxLength)
            throw new ResNetException($"{path}: holds {bytes} bytes; arrays over 2 GB are not read, so split it");
        var data = new byte[bytes];
        stream.Position = header.DataStart;
        InputFile.ReadExactly(stream, data, path);
        return new NpyArray(path, header.Type, header.Shape, data);
    });

    /// <summary>Parses a file that is in memory, and copies its data.</summary>
    /// <exception cref="ResNetException">The content is damaged, or an array that is not read here.</exception>
    public static NpyArray Parse(ReadOnlyMemory<byte> file, string nameForErrors)
    {
        ReadOnlySpan<byte> bytes = file.Span;
        NpyHeader header = NpyHeader.Parse(bytes[..Math.Min(bytes.Length, NpyHeader.MaxDataStart)], bytes.Length, nameForErrors);
        return new NpyArray(nameForErrors, header.Type, header.Shape, bytes[header.DataStart..].ToArray());
    }

    /// <summary>Writes float32 in C order, as version 1.0, whole or not at all.</summary>
    /// <exception cref="ArgumentException">Shape and values disagree.</exception>
    /// <exception cref="ResNetException">The file cannot be written.</exception>
    public static void Write(string path, ReadOnlySpan<long> shape, ReadOnlyMemory<float> values)
    {
        if (!ElementCount.TryMultiply(shape, out long elements) || elements != values.Length)
            throw new ArgumentException($"a shape of ({string.Join(", ", shape.ToArray())}) does not take {values.Length} values");
        byte[] header = HeaderOf(shape);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(header);
            ReadOnlyMemory<float> rest = values;
            while (!rest.IsEmpty)
            {
                // Pieces, since the bytes of a whole array may pass the length of a span.
                int piece = Math.Min(rest.Length, 1 << 24);
                stream.Write(MemoryMarshal.AsBytes(rest.Span[..piece]));
                rest = rest[piece..];
            }
        });
    }

    private static byte[] HeaderOf(ReadOnlySpan<long> shape)
    {
        var text = new StringBuilder("{'descr': '<f4', 'fortran_order': False, 'shape': (");
        for (int i = 0; i < shape.Length; i++)
            text.Append(i > 0 ? " " : "").Append(shape[i]).Append(i < shape.Length - 1 || i == 0 ? "," : "");
        text.Append("), }");
        const int prefix = 10;
        int padding = -(prefix + text.Length + 1) & 63;
        text.Append(' ', padding).Append('\n');
        byte[] ascii = Encoding.ASCII.GetBytes(text.ToString());
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)ascii.Length, (byte)(ascii.Length >> 8), .. ascii];
    }
}
