using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

using CudnnResNet.Tensors;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Weights;

public class SafetensorsTests
{
    private static readonly string Mixed = Path.Combine(AppContext.BaseDirectory, "Weights/Fixtures/mixed.safetensors");

    [Fact]
    public void ReadsEveryTypeOfAFileThatPythonWrote()
    {
        CheckMixed(Safetensors.Read(Mixed));
        CheckMixed(Safetensors.Parse(File.ReadAllBytes(Mixed), "mixed"));
    }

    // The values of make_fixtures.py.
    private static void CheckMixed(TensorFile file)
    {
        Assert.Equal(
            ["double", "step", "layer1.0.conv1.weight", "int", "empty", "half", "brain é中", "bytes"],
            file.Tensors.Select(t => t.Name));
        Assert.Equal(new Dictionary<string, string> { ["format"] = "pt", ["spec"] = "{\"depth\": 18}" }, file.Metadata);

        Assert.Equal([0.1, -1e300], file.TryGet("double")!.ToDoubles());
        Assert.True(file.TryGet("layer1.0.conv1.weight", out NamedTensor? weight));
        Assert.Equal([2, 1, 1, 3], weight.Shape.ToArray());
        Assert.Equal([0.1f, -2.5f, 3e38f, 1e-45f, 0f, -0f], weight.AsFloats().ToArray());
        Assert.Equal([0.0999755859375f, -65504f, 5.9604645e-8f, 1f], file.TryGet("half")!.ToFloats());
        Assert.Equal([0.10009765625f, -2.5f, 9.1835496e-41f, float.PositiveInfinity], file.TryGet("brain é中")!.ToFloats());
        Assert.Equal([long.MinValue], MemoryMarshal.Cast<byte, long>(file.TryGet("step")!.Data.Span).ToArray());
        Assert.Empty(file.TryGet("step")!.Shape);
        Assert.Equal([-7, int.MaxValue], MemoryMarshal.Cast<byte, int>(file.TryGet("int")!.Data.Span).ToArray());
        Assert.Equal([0, 127, 255], file.TryGet("bytes")!.Data.ToArray());
        Assert.Equal(0, file.TryGet("empty")!.Elements);
        Assert.Null(file.TryGet("absent"));
        Assert.False(file.TryGet("absent", out _));
    }

    [Fact]
    public void WhatIsWrittenReadsBack()
    {
        using var folder = new TemporaryFolder();
        TensorFile original = Safetensors.Read(Mixed);
        Safetensors.Write(folder.File("copy.safetensors"), original.Tensors, original.Metadata);
        CheckMixed(Safetensors.Read(folder.File("copy.safetensors")));
        Assert.Equal(["copy.safetensors"], folder.Names());
    }

    [Fact]
    public void TheWrittenFileIsWhatTheFormatSays()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("w.safetensors");
        Safetensors.Write(path, [
            new NamedTensor("u", DataType.UInt8, [3], new byte[] { 1, 2, 3 }),
            NamedTensor.FromFloats("f", [1, 2], [1f, 2f]),
            NamedTensor.FromDoubles("d", [1], [3.0]),
        ], new Dictionary<string, string> { ["b"] = "2", ["a"] = "1" });

        byte[] bytes = File.ReadAllBytes(path);
        int headerBytes = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        Assert.Equal(0, headerBytes % 8);
        using var json = JsonDocument.Parse(bytes.AsMemory(8, headerBytes));
        Assert.Equal(["__metadata__", "d", "f", "u"], json.RootElement.EnumerateObject().Select(p => p.Name));
        Assert.Equal("""{"a":"1","b":"2"}""", json.RootElement.GetProperty("__metadata__").GetRawText());
        Assert.Equal("""{"dtype":"F64","shape":[1],"data_offsets":[0,8]}""", json.RootElement.GetProperty("d").GetRawText());
        Assert.Equal("""{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]}""", json.RootElement.GetProperty("f").GetRawText());
        Assert.Equal("""{"dtype":"U8","shape":[3],"data_offsets":[16,19]}""", json.RootElement.GetProperty("u").GetRawText());
        byte[] data = [.. BitConverter.GetBytes(3.0), .. BitConverter.GetBytes(1f), .. BitConverter.GetBytes(2f), 1, 2, 3];
        Assert.Equal(data, bytes[(8 + headerBytes)..]);
    }

    [Fact]
    public void AFileWithoutTensorsIsPossible()
    {
        using var folder = new TemporaryFolder();
        Safetensors.Write(folder.File("none.safetensors"), []);
        TensorFile file = Safetensors.Read(folder.File("none.safetensors"));
        Assert.Empty(file.Tensors);
        Assert.Empty(file.Metadata);
    }

    [Theory]
    [InlineData("a", "a")]
    [InlineData("a", "__metadata__")]
    public void NamesMustBeUniqueToWrite(string first, string second)
    {
        using var folder = new TemporaryFolder();
        NamedTensor[] tensors = [NamedTensor.FromFloats(first, [1], [1f]), NamedTensor.FromFloats(second, [1], [1f])];
        Assert.Throws<ArgumentException>(() => Safetensors.Write(folder.File("x.safetensors"), tensors));
        Assert.Empty(folder.Names());
    }
}
