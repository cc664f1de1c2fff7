using System.Runtime.InteropServices;
using System.Text;

using CudnnResNet.Data;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Data;

public class NpyFileTests
{
    [Fact]
    public void ReadsEveryTypeThatNumPyWrote()
    {
        NpyArray floats = Read("f4.npy", DataType.Float32, [2, 3]);
        Assert.Equal([0.1f, -2.5f, 3e38f, 1e-45f, 0f, -0f], floats.AsFloats().ToArray());
        Assert.Equal([0.1, -1e300, Math.PI], MemoryMarshal.Cast<byte, double>(Read("f8.npy", DataType.Float64, [3]).Data).ToArray());
        Assert.Equal([int.MinValue, int.MaxValue], MemoryMarshal.Cast<byte, int>(Read("i4.npy", DataType.Int32, [1, 2, 1]).Data).ToArray());
        Assert.Equal([long.MinValue, long.MaxValue, 7], Read("i8.npy", DataType.Int64, [3]).AsInt64s().ToArray());
        Assert.Equal(Enumerable.Range(0, 24).Select(i => (byte)i), Read("u1.npy", DataType.UInt8, [1, 2, 3, 4]).AsBytes().ToArray());
        Assert.Contains("f4.npy: holds f32, but i64 is needed", Assert.Throws<ResNetException>(() => floats.AsInt64s().Length).Message);
    }

    [Fact]
    public void ReadsScalarsEmptyArraysAndLaterVersions()
    {
        Assert.Equal([2.5f], Read("scalar.npy", DataType.Float32, []).AsFloats().ToArray());
        Assert.Empty(Read("empty.npy", DataType.Float32, [3, 0, 2]).Data);
        Assert.Equal([0f, 1f, 2f], Read("version2.npy", DataType.Float32, [3]).AsFloats().ToArray());
        Assert.Equal([0f, 1f, 2f], Read("version3.npy", DataType.Float32, [3]).AsFloats().ToArray());
    }

    [Theory]
    [InlineData("fortran.npy", "Fortran order")]
    [InlineData("big-endian.npy", "'>f4'")]
    [InlineData("int16.npy", "'<i2'")]
    [InlineData("structured.npy", "structured array")]
    [InlineData("images.idx", "does not start with \\x93NUMPY")]
    [InlineData("absent.npy", "no such .npy file")]
    public void OtherFilesAreRefusedWithTheReason(string name, string reason)
    {
        var e = Assert.Throws<ResNetException>(() => NpyFile.Read(Fixture.PathOf(name)));
        Assert.StartsWith(Fixture.PathOf(name), e.Message);
        Assert.Contains(reason, e.Message);
    }

    [Fact]
    public void WritesTheVeryBytesThatNumPyWrites()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("out.npy");
        NpyFile.Write(path, [2, 3], new[] { 0.1f, -2.5f, 3e38f, 1e-45f, 0f, -0f });
        Assert.Equal(Fixture.Bytes("f4.npy"), File.ReadAllBytes(path));
        NpyFile.Write(path, [], new[] { 2.5f });
        Assert.Equal(Fixture.Bytes("scalar.npy"), File.ReadAllBytes(path));
        NpyFile.Write(path, [3, 0, 2], Array.Empty<float>());
        Assert.Equal(Fixture.Bytes("empty.npy"), File.ReadAllBytes(path));
        NpyFile.Write(path, [3], new[] { 0f, 1f, 2f });
        Assert.Equal([3], NpyFile.Read(path).Shape);
        Assert.Throws<ArgumentException>(() => NpyFile.Write(path, [2], new[] { 0f, 1f, 2f }));
    }

    [Theory]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }")]
    [InlineData("{'shape':(1,),'descr':\"<f4\",'fortran_order':False}")]
    [InlineData("  {  'descr' :\t'<f4' , 'fortran_order': False , 'shape': ( 1 , ) }  \n")]
    public void TheDictionaryMayBeSpacedAndOrderedFreely(string header) =>
        Assert.Equal([1], NpyFile.Parse(FileOf(header, 4), "f").Shape);

    [Theory]
    [InlineData("", 4, "no '{'")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), ", 4, "no string")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x", 4, "goes on after")]
    [InlineData("{'descr': '<f4', 'fortran_order': False}", 4, "lacks")]
    [InlineData("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4, "'descr' twice")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}", 4, "the key 'more'")]
    [InlineData("{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}", 4, "no comma")]
    [InlineData("{'descr: <f4}", 4, "inside a string")]
    [InlineData("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", 4, "neither True nor False")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': 1}", 4, "no '('")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1)}", 4, "not a tuple")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,-1)}", 4, "not a whole number")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 4, "not a whole number")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", 4, "overflows")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)}", 4, "over 32 axes")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 7, "truncated: f32 (2) takes 8 bytes, but 7 follow")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 9, "1 bytes follow the 8")]
    [InlineData("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", 8, "'|O'")]
    public void ADamagedHeaderIsRefusedWithItsReason(string header, int dataBytes, string reason)
    {
        var e = Assert.Throws<ResNetException>(() => NpyFile.Parse(FileOf(header, dataBytes), "x.npy"));
        Assert.StartsWith("x.npy: ", e.Message);
        Assert.Contains(reason, e.Message);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void VersionsAndHeaderLengthsThatLieAreRefused()
    {
        byte[] file = Fixture.Bytes("version2.npy");
        byte[] version4 = [.. file];
        version4[6] = 4;
        Assert.Contains("version is 4.0", Assert.Throws<ResNetException>(() => NpyFile.Parse(version4, "f")).Message);
        byte[] long2 = [.. file];
        long2[11] = 0x7F;
        Assert.Contains("over the limit", Assert.Throws<ResNetException>(() => NpyFile.Parse(long2, "f")).Message);
    }

    [Fact]
    public void EveryTruncationIsRefusedInMemoryAndOnDisk()
    {
        using var folder = new TemporaryFolder();
        byte[] file = Fixture.Bytes("u1.npy");
        for (int length = 0; length < file.Length; length++)
        {
            Assert.Throws<ResNetException>(() => NpyFile.Parse(file.AsMemory(0, length), "f"));
            File.WriteAllBytes(folder.File("cut.npy"), file[..length]);
            Assert.Throws<ResNetException>(() => NpyFile.Read(folder.File("cut.npy")));
        }
    }

    private static NpyArray Read(string name, DataType type, long[] shape)
    {
        NpyArray onDisk = NpyFile.Read(Fixture.PathOf(name));
        NpyArray inMemory = NpyFile.Parse(Fixture.Bytes(name), name);
        Assert.Equal((type, type), (onDisk.Type, inMemory.Type));
        Assert.Equal(shape, onDisk.Shape);
        Assert.Equal(shape, inMemory.Shape);
        Assert.Equal(onDisk.Data, inMemory.Data);
        return onDisk;
    }

    private static byte[] FileOf(string header, int dataBytes)
    {
        byte[] text = Encoding.ASCII.GetBytes(header);
        return [0x93, .. "NUMPY"u8, 1, 0, .. BitConverter.GetBytes((ushort)text.Length), .. text, .. new byte[dataBytes]];
    }
}
