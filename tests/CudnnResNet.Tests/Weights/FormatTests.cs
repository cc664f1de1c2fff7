using System.IO.Compression;
using System.Text;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Weights;

/// <summary>The formats beside safetensors and PyTorch's, and what tells them apart.</summary>
public class FormatTests
{
    [Fact]
    public void ArraysOfNpzAreReadStoredAndDeflated()
    {
        using TensorSource stored = WeightFormats.Open(PyTorchFileTests.Fixture("stored.npz"));
        Assert.Equal(["f32", "f16", "f64"], stored.Tensors.Select(tensor => tensor.Name));
        foreach (NamedTensor tensor in stored.ReadAll().Tensors)
            Assert.Equal(Enumerable.Range(0, (int)tensor.Elements).Select(k => k / 8.0), tensor.ToDoubles());
        using TensorSource deflated = WeightFormats.Open(PyTorchFileTests.Fixture("deflated.npz"));
        NamedTensor only = Assert.Single(deflated.ReadAll().Tensors);
        Assert.Equal([16, 32], only.Shape.AsEnumerable());
        Assert.Equal(Enumerable.Range(0, 512).Select(k => k / 8f), only.ToFloats());
    }

    [Fact]
    public void ShardsAreReadThroughTheirIndex()
    {
        using TemporaryFolder folder = new();
        Safetensors.Write(folder.File("a.safetensors"), [NamedTensor.FromFloats("x", [2], [1, 2])]);
        Safetensors.Write(folder.File("b.safetensors"), [NamedTensor.FromFloats("y", [1], [3])]);
        string index = folder.File("model.safetensors.index.json");
        File.WriteAllText(index, """{"metadata":{"total_size":12},"weight_map":{"x":"a.safetensors","y":"b.safetensors"}}""");
        using (TensorSource source = WeightFormats.Open(index))
        {
            Assert.Equal([1f, 2], source.ReadAll().TryGet("x")!.ToFloats());
            Assert.Equal([3f], source.ReadAll().TryGet("y")!.ToFloats());
        }
        foreach ((string map, string reason) in new[]
        {
            ("{}", "no object 'weight_map'"), ("[", "not valid JSON"), ("""{"weight_map":{}}""", "names 0 files"),
            ("""{"weight_map":{"x":"../a.safetensors"}}""", "not placed in a file of the same folder"),
            ("""{"weight_map":{"x":"/etc/passwd"}}""", "not placed in a file of the same folder"),
            ("""{"weight_map":{"x":".."}}""", "not placed in a file of the same folder"),
            ("""{"weight_map":{"x":1}}""", "not placed in a file of the same folder"),
            ("""{"weight_map":{"x":"a.safetensors","y":"a.safetensors"}}""", "places 'y' in a.safetensors, where it is not"),
            ("""{"weight_map":{"x":"b.safetensors"}}""", "does not place tensor 'y'"),
            ("""{"weight_map":{"x":"c.safetensors"}}""", "no such safetensors file"),
        })
        {
            File.WriteAllText(index, map);
            Assert.Contains(reason, Assert.Throws<ResNetException>(() => WeightFormats.Open(index)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void UnknownContentIsNamed()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("x.bin"), "hello, this is text");
        Assert.Contains("not a file of weights in a known format", Refusal(folder.File("x.bin")), StringComparison.Ordinal);
        File.WriteAllText(folder.File("x.safetensors"), "short");
        Assert.Contains("not a safetensors file", Refusal(folder.File("x.safetensors")), StringComparison.Ordinal);
        File.WriteAllBytes(folder.File("empty"), []);
        Assert.Contains("known format", Refusal(folder.File("empty")), StringComparison.Ordinal);
        Assert.Contains("no such file of weights", Refusal(folder.File("absent")), StringComparison.Ordinal);
    }

    [Fact]
    public void EntriesThatOverlapAreRefused()
    {
        byte[] zip = Zip(("a.npy", "0123456789"), ("b.npy", "0123456789"));
        // The second entry of the directory is pointed at the first entry's header.
        int second = zip.AsSpan().LastIndexOf("PK\u0001\u0002"u8);
        BitConverter.TryWriteBytes(zip.AsSpan(second + 42), 0);
        Assert.Contains("overlap", ZipRefusal(zip), StringComparison.Ordinal);
    }

    [Fact]
    public void AnEntryThatClaimsMoreThanDeflateCanGiveIsRefused()
    {
        byte[] zip = Zip(("a.npy", new string('x', 1000)));
        int entry = zip.AsSpan().LastIndexOf("PK\u0001\u0002"u8);
        BitConverter.TryWriteBytes(zip.AsSpan(entry + 24), 2_000_000_000);
        Assert.Contains("claims 2000000000 bytes", ZipRefusal(zip), StringComparison.Ordinal);
    }

    /// <summary>A name with a line break, of an entry that is damaged, does not break the message.</summary>
    [Fact]
    public void NamesOfEntriesAreOneLineInMessages()
    {
        byte[] zip = Zip(("a\nb.npy", new string('x', 1000)));
        int data = zip.AsSpan().IndexOf("b.npy"u8) + "b.npy"u8.Length;
        zip[data] = 0xFF;
        Assert.Contains("a?b.npy is not valid deflate", ZipRefusal(zip), StringComparison.Ordinal);
    }

    [Fact]
    public void ContentThatChangedIsRefused()
    {
        byte[] zip = File.ReadAllBytes(PyTorchFileTests.Fixture("stored.npz"));
        int data = zip.AsSpan().IndexOf("NUMPY"u8);
        zip[data + 127 + 6] ^= 1;
        using TensorSource source = NpzSource.Open(new MemoryStream(zip), "f");
        Assert.Contains("checksum", Assert.Throws<ResNetException>(source.ReadAll).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("torchvision", "layer2.0.downsample.1.running_var", "layer2.0.downsample.1.running_var")]
    [InlineData("torchvision", "linear.bias", "fc.bias")]
    [InlineData("timm-resnetv2", "stem.conv.weight", "conv1.weight")]
    [InlineData("timm-resnetv2", "stages.3.blocks.2.norm3.running_mean", "layer4.2.bn3.running_mean")]
    [InlineData("timm-resnetv2", "stages.1.blocks.0.downsample.conv.weight", "layer2.0.downsample.0.weight")]
    [InlineData("timm-resnetv2", "norm.bias", "norm.bias")]
    [InlineData("timm-resnetv2", "head.fc.weight", "fc.weight")]
    [InlineData("huggingface", "resnet.embedder.embedder.convolution.weight", "conv1.weight")]
    [InlineData("huggingface", "embedder.embedder.normalization.weight", "bn1.weight")]
    [InlineData("huggingface", "resnet.encoder.stages.2.layers.5.layer.1.convolution.weight", "layer3.5.conv2.weight")]
    [InlineData("huggingface", "resnet.encoder.stages.0.layers.0.shortcut.normalization.running_var", "layer1.0.downsample.1.running_var")]
    [InlineData("huggingface", "classifier.1.bias", "fc.bias")]
    [InlineData("huggingface", "classifier.2.bias", null)]
    [InlineData("torchvision", "xconv1.weight", null)]
    public void NamesAreTranslated(string convention, string name, string? expected) =>
        Assert.Equal(expected, NameMap.All.Single(map => map.Convention == convention).Translate(name));

    [Fact]
    public void WhatWrapsEveryNameIsTakenOff()
    {
        (string convention, string[] names) = NameMap.Translate(["module.model.stem.conv.weight", "module.model.norm.bias", "module.model.other"]);
        Assert.Equal("timm-resnetv2", convention);
        Assert.Equal(["conv1.weight", "norm.bias", "other"], names);
    }

    /// <summary>Every network of the family is recognised from its own tensors.</summary>
    [Fact]
    public void NetworksAreRecognisedByTheirShapes()
    {
        foreach (int depth in ResNetSpec.Depths.AddRange(ResNetSpec.CifarDepths))
            foreach (ResNetVersion version in (ResNetVersion[])[ResNetVersion.V1_5, ResNetVersion.V2])
                foreach (ResNetShortcut shortcut in Enum.GetValues<ResNetShortcut>())
                {
                    ResNetSpec spec = ResNetSpec.Standard(depth) with
                    {
                        Version = version,
                        Shortcut = shortcut,
                        Classes = 7,
                        InputChannels = 2,
                        Width = 8,
                    };
                    var shapes = ResNetGraph.Inference(spec, 1, 64, 64, Precision.Fp32).Values
                        .Where(value => value.Role is Graph.ValueRole.Parameter or Graph.ValueRole.State)
                        .ToDictionary(value => value.Name, value => NetworkWeights.FileShape(value.Shape));
                    Assert.Equal(new RecognizedNetwork(spec, Doubt: null), RecognizedNetwork.Of(shapes));
                    shapes.Remove("layer2.1.conv1.weight");
                    Assert.NotNull(RecognizedNetwork.Of(shapes).Doubt);
                }
    }

    [Fact]
    public void AFileThatCannotBeReadIsClosed()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("x.bin"), "hello, this is text");
        Stream? seen = null;
        foreach (Exception failure in (Exception[])[new InvalidDataException(), new IOException(), new ResNetException("damaged")])
        {
            _ = Assert.ThrowsAny<Exception>(() => WeightFormats.Open(folder.File("x.bin"), (stream, _) =>
            {
                seen = stream;
                throw failure;
            }));
            Assert.False(seen!.CanRead);
        }
    }

    private static string Refusal(string path) => Assert.Throws<ResNetException>(() => WeightFormats.Open(path)).Message;

    private static string ZipRefusal(byte[] zip) => Assert.Throws<ResNetException>(() => NpzSource.Open(new MemoryStream(zip), "f")).Message;

    private static byte[] Zip(params (string Name, string Content)[] entries)
    {
        using MemoryStream stream = new();
        using (ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true))
            foreach ((string name, string content) in entries)
            {
                using Stream entry = archive.CreateEntry(name, CompressionLevel.Optimal).Open();
                entry.Write(Encoding.ASCII.GetBytes(content));
            }
        return stream.ToArray();
    }
}
