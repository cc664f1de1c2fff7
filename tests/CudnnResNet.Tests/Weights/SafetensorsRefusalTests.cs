using System.Buffers.Binary;
using System.Text;

using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Weights;

public class SafetensorsRefusalTests
{
    private const string OneFloat = """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""";

    [Fact]
    public void TheCasesBelowDifferFromAFileThatIsRead() =>
        Assert.Equal(1, Safetensors.Parse(FileOf(OneFloat, 4), "f").Tensors.Single().Elements);

    [Theory]
    [InlineData("""[1]""", 0, "does not start with '{'")]
    [InlineData(""" {}""", 0, "does not start with '{'")]
    [InlineData("", 0, "does not start with '{'")]
    [InlineData("""{"a":""", 0, "not valid JSON")]
    [InlineData("""{}{}""", 0, "not valid JSON")]
    [InlineData("""{} x""", 0, "not valid JSON")]
    [InlineData("""{"a":[[[[[]]]]]}""", 0, "holds a StartArray")]
    [InlineData("""{"a":{"dtype":"F32","shape":[[[1]]],"data_offsets":[0,4]}}""", 4, "not valid JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "'a' appears twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "'a' appears twice")]
    [InlineData("""{"__metadata__":{"k":1}}""", 0, "holds a Number")]
    [InlineData("""{"__metadata__":{"k":"1","k":"2"}}""", 0, "holds 'k' twice")]
    [InlineData("""{"__metadata__":{},"__metadata__":{}}""", 0, "__metadata__ appears twice")]
    [InlineData("""{"a":{"dtype":"F4","shape":[1],"data_offsets":[0,1]}}""", 1, "'a' has dtype F4")]
    [InlineData("""{"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}}""", 4, "'a' has dtype f32")]
    [InlineData("""{"a":{"shape":[1],"data_offsets":[0,4]}}""", 4, "lacks a dtype")]
    [InlineData("""{"a":{"dtype":"F32","data_offsets":[0,4]}}""", 4, "lacks a dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", 4, "lacks a dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}""", 4, "lacks a dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}""", 4, "longer than 2")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "the key 'dtype' twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"extra":1}}""", 4, "the key 'extra'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "not a whole number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "not a whole number")]
    [InlineData("""{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", 4, "not a whole number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}""", 4, "not a whole number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}""", 4, "overflows")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}""", 0, "overflows")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "takes 8 bytes, but its data_offsets are 0 to 4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "takes 4 bytes, but its data_offsets are 4 to 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}""", 5, "'a' starts at byte 1 of the data, where 0 was expected")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}}""", 5, "'b' starts at byte 3 of the data, where 4 was expected")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", 4, "'b' starts at byte 0 of the data, where 4 was expected")]
    [InlineData(OneFloat, 3, "truncated")]
    [InlineData(OneFloat, 5, "something follows")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "surrogate")]
    public void ADamagedHeaderIsRefusedWithItsReason(string header, int dataBytes, string reason)
    {
        var e = Assert.Throws<ResNetException>(() => Safetensors.Parse(FileOf(header, dataBytes), "model.safetensors"));
        Assert.StartsWith("model.safetensors: ", e.Message);
        Assert.Contains(reason, e.Message);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void MoreAxesThanAnyArrayHasAreRefused()
    {
        string header = """{"a":{"dtype":"U8","shape":[SHAPE],"data_offsets":[0,1]}}""".Replace("SHAPE", string.Join(',', Enumerable.Repeat(1, 33)));
        Assert.Contains("longer than 32", Assert.Throws<ResNetException>(() => Safetensors.Parse(FileOf(header, 1), "f")).Message);
    }

    [Fact]
    public void TextThatIsNotUtf8IsRefused()
    {
        byte[] file = FileOf(OneFloat, 4);
        file[10] = 0xFF;
        Assert.Contains("not UTF-8", Assert.Throws<ResNetException>(() => Safetensors.Parse(file, "f")).Message);
    }

    [Theory]
    [InlineData(100_000_001ul, "over the format's limit")]
    [InlineData(ulong.MaxValue, "over the format's limit")]
    [InlineData(1000ul, "truncated, or not safetensors")]
    public void AHeaderLengthThatLiesIsRefused(ulong length, string reason)
    {
        byte[] file = FileOf(OneFloat, 4);
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);
        Assert.Contains(reason, Assert.Throws<ResNetException>(() => Safetensors.Parse(file, "f")).Message);
    }

    [Fact]
    public void EveryTruncationIsRefusedInMemoryAndOnDisk()
    {
        using var folder = new TemporaryFolder();
        byte[] file = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Weights/Fixtures/mixed.safetensors"));
        string path = folder.File("cut.safetensors");
        for (int length = 0; length < file.Length; length++)
        {
            Assert.Throws<ResNetException>(() => Safetensors.Parse(file.AsMemory(0, length), "f"));
            File.WriteAllBytes(path, file[..length]);
            Assert.StartsWith(path, Assert.Throws<ResNetException>(() => Safetensors.Read(path)).Message);
        }
    }

    [Fact]
    public void MissingFilesAndFoldersAreNamed()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("no such safetensors file", Assert.Throws<ResNetException>(() => Safetensors.Read(folder.File("absent"))).Message);
        Assert.Contains("no such safetensors file", Assert.Throws<ResNetException>(() => Safetensors.Read(folder.File("absent/absent"))).Message);
        Assert.Contains("is a folder", Assert.Throws<ResNetException>(() => Safetensors.Read(folder.Path)).Message);
        Assert.Contains("not a usable path", Assert.Throws<ResNetException>(() => Safetensors.Read("")).Message);
    }

    private static byte[] FileOf(string header, int dataBytes)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes((ulong)text.Length), .. text, .. new byte[dataBytes]];
    }
}
