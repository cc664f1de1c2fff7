using CudnnResNet.Tensors;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Weights;

public class NamedTensorTests
{
    [Fact]
    public void EveryFloat16BitPatternConvertsAsTheFrameworkDoes()
    {
        var bytes = new byte[2 * 65536];
        for (int bits = 0; bits < 65536; bits++)
            BitConverter.TryWriteBytes(bytes.AsSpan(2 * bits), (ushort)bits);
        float[] halves = new NamedTensor("t", DataType.Float16, [65536], bytes).ToFloats();
        float[] highHalves = new NamedTensor("t", DataType.BFloat16, [256, 256], bytes).ToFloats();
        for (int bits = 0; bits < 65536; bits++)
        {
            Assert.Equal((float)BitConverter.UInt16BitsToHalf((ushort)bits), halves[bits]);
            Assert.Equal((uint)bits << 16, BitConverter.SingleToUInt32Bits(highHalves[bits]));
        }
    }

    [Fact]
    public void DoublesRoundToFloatsAndFloatsWidenExactly()
    {
        double[] values = [0.1, -1e300, double.Epsilon, Math.PI];
        var tensor = NamedTensor.FromDoubles("t", [2, 2], values);
        Assert.Equal(4, tensor.Elements);
        Assert.Equal([0.1f, float.NegativeInfinity, 0f, (float)Math.PI], tensor.ToFloats());
        Assert.Equal(values, tensor.ToDoubles());

        var floats = NamedTensor.FromFloats("t", [3], [0.1f, -0f, 3e38f]);
        Assert.Equal([0.1f, -0f, 3e38f], floats.AsFloats().ToArray());
        Assert.Equal([0.1f, -0f, 3e38f], floats.ToFloats());
        Assert.Equal([(double)0.1f, -0d, (double)3e38f], floats.ToDoubles());
    }

    [Fact]
    public void IntegersAreNoFloats()
    {
        var tensor = new NamedTensor("step", DataType.Int64, [1], new byte[8]);
        Assert.Contains("'step' is i64", Assert.Throws<ResNetException>(() => tensor.ToFloats()).Message);
        Assert.Contains("'step' is i64", Assert.Throws<ResNetException>(() => tensor.ToDoubles()).Message);
        Assert.Contains("f32 is needed", Assert.Throws<ResNetException>(() => tensor.AsFloats().Length).Message);
    }

    [Fact]
    public void ShapeAndDataMustAgree()
    {
        Assert.Throws<ArgumentException>(() => new NamedTensor("t", DataType.Float32, [2], new byte[4]));
        Assert.Throws<ArgumentException>(() => new NamedTensor("t", DataType.Float32, [-1], Array.Empty<byte>()));
        Assert.Throws<ArgumentException>(() => new NamedTensor("t", DataType.Float32, [long.MaxValue, 4], Array.Empty<byte>()));
        Assert.Equal(1, new NamedTensor("scalar", DataType.Float32, [], new byte[4]).Elements);
        Assert.Equal(0, new NamedTensor("empty", DataType.Float32, [3, 0], Array.Empty<byte>()).Elements);
    }
}
