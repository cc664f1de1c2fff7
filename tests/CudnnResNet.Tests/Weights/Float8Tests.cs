using System.Buffers.Binary;
using System.Text;
using CudnnResNet.Tensors;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Weights;

/// <summary>Against the tables of arXiv 2209.05433, section 3.</summary>
public class Float8Tests
{
    [Theory]
    [InlineData("F8_E4M3", 0x00, 0)]
    [InlineData("F8_E4M3", 0x01, 1.0 / 512)]         // the smallest subnormal, 2^-9
    [InlineData("F8_E4M3", 0x07, 7.0 / 512)]         // the largest
    [InlineData("F8_E4M3", 0x08, 1.0 / 64)]          // the smallest normal, 2^-6
    [InlineData("F8_E4M3", 0x38, 1)]
    [InlineData("F8_E4M3", 0xBC, -1.5)]
    [InlineData("F8_E4M3", 0x7E, 448)]
    [InlineData("F8_E4M3", 0xFF, double.NaN)]
    [InlineData("F8_E5M2", 0x01, 1.0 / 65536)]       // 2^-16
    [InlineData("F8_E5M2", 0x04, 1.0 / 16384)]       // 2^-14
    [InlineData("F8_E5M2", 0xBE, -1.5)]
    [InlineData("F8_E5M2", 0x7B, 57344)]
    [InlineData("F8_E5M2", 0x7C, double.PositiveInfinity)]
    public void EachIsWhatTheFormatSays(string dtype, byte bits, double value)
    {
        NamedTensor tensor = Assert.Single(Safetensors.Parse(File(dtype, bits), "f").Tensors);
        Assert.Equal(DataType.Float16, tensor.Type);
        Assert.Equal(value, (double)BinaryPrimitives.ReadHalfLittleEndian(tensor.Data.Span));
        using TemporaryFolder folder = new();
        System.IO.File.WriteAllBytes(folder.File("f"), File(dtype, bits));
        using TensorSource source = WeightFormats.Open(folder.File("f"));
        Assert.True(source.ReadAll().Tensors[0].Data.Span.SequenceEqual(tensor.Data.Span));
    }

    [Fact]
    public void ValuesAscendWithTheirBits()
    {
        double[] values = [.. Enumerable.Range(0, 0x7F).Select(bits =>
            (double)BinaryPrimitives.ReadHalfLittleEndian(Safetensors.Parse(File("F8_E4M3", (byte)bits), "f").Tensors[0].Data.Span))];
        Assert.Equal(values.Order(), values);
        Assert.Equal(values.Length, values.Distinct().Count());
    }

    private static byte[] File(string dtype, byte value)
    {
        byte[] header = Encoding.UTF8.GetBytes($$$"""{"a":{"dtype":"{{{dtype}}}","shape":[1],"data_offsets":[0,1]}}""");
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        return [.. length, .. header, value];
    }
}
