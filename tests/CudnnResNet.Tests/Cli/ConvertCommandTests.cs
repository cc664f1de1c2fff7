using System.Globalization;
using System.Text.Json;
using CudnnResNet.Inference;
using CudnnResNet.Models;
using CudnnResNet.Onnx;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cli;

/// <summary>Weights out and in again: convert and inspect, ONNX with and without its batch norms, and what peers make of our files.</summary>
public class ConvertCommandTests
{
    private const int Size = 40;

    public static TheoryData<int, ResNetVersion, ResNetStem, ResNetShortcut, bool> Networks => new()
    {
        { 18, ResNetVersion.V1_5, ResNetStem.ImageNet, ResNetShortcut.Projection, false },
        { 18, ResNetVersion.V2, ResNetStem.ImageNet, ResNetShortcut.Projection, false },
        { 34, ResNetVersion.V1_5, ResNetStem.Cifar, ResNetShortcut.Padding, false },
        { 50, ResNetVersion.V1, ResNetStem.ImageNet, ResNetShortcut.Projection, false },
        { 50, ResNetVersion.V1_5, ResNetStem.NoDown, ResNetShortcut.Projection, false },
        { 50, ResNetVersion.V2, ResNetStem.ImageNet, ResNetShortcut.Projection, false },
        { 101, ResNetVersion.V1_5, ResNetStem.ImageNet, ResNetShortcut.Projection, true },
        { 152, ResNetVersion.V2, ResNetStem.ImageNet, ResNetShortcut.Projection, false },
        { 200, ResNetVersion.V1_5, ResNetStem.ImageNet, ResNetShortcut.Projection, false },
        { 20, ResNetVersion.V1_5, ResNetStem.Cifar, ResNetShortcut.Padding, false },
        { 110, ResNetVersion.V2, ResNetStem.Cifar, ResNetShortcut.Projection, false },
    };

    /// <summary>Unfolded, every tensor comes back bit for bit; folded, the network computes the same.</summary>
    [Theory]
    [MemberData(nameof(Networks))]
    public void OnnxIsReadBackByItsStructure(int depth, ResNetVersion version, ResNetStem stem, ResNetShortcut shortcut, bool bias)
    {
        ResNetSpec spec = new() { Depth = depth, Version = version, Stem = stem, Shortcut = shortcut, ConvolutionBias = bias, Width = 4, Classes = 5 };
        NetworkWeights weights = SmallNetworks.Draw(spec);
        using TemporaryFolder folder = new();
        OnnxWriter.Write(folder.File("whole.onnx"), spec, weights, fold: false);
        NetworkFile whole = ReadRenamed(folder.File("whole.onnx"));
        Assert.Equal(spec, Checkpoint.SpecOf(whole.File, "whole"));
        Assert.Equal(weights.Tensors.Count, whole.File.Tensors.Count);
        foreach (NamedTensor tensor in whole.File.Tensors)
            Assert.True(tensor.Data.Span.SequenceEqual(weights.Tensors[tensor.Name].Data.Span), tensor.Name);

        OnnxWriter.Write(folder.File("folded.onnx"), spec, weights, fold: true);
        NetworkFile folded = ReadRenamed(folder.File("folded.onnx"));
        ResNetSpec read = Checkpoint.SpecOf(folded.File, "folded")!;
        Assert.Equal(spec, read with { ConvolutionBias = bias });
        if (depth <= 50)
            AssertClose(Logits(spec, weights), Logits(read, new(folded.File.Tensors.ToDictionary(t => t.Name), "folded")), 1e-5);
    }

    [Fact]
    public void ConvertWritesWhatInspectDescribes()
    {
        using TemporaryFolder folder = new();
        ResNetSpec spec = ResNetSpec.Standard(20) with { Classes = 3 };
        NetworkWeights weights = SmallNetworks.Draw(spec);
        Safetensors.Write(folder.File("in.safetensors"),
            [.. weights.Tensors.Values.Select(tensor => tensor with { Name = "module." + tensor.Name.Replace("fc.", "linear.", StringComparison.Ordinal) })]);
        CliRun.Success("convert", folder.File("in.safetensors"), folder.File("out.onnx"), "--fold");
        CliRun.Success("convert", folder.File("out.onnx"), folder.File("out.safetensors"));
        CliRun.Success("convert", folder.File("in.safetensors"), folder.File("same.safetensors"));

        foreach ((string file, string format) in new[] { ("in.safetensors", "safetensors"), ("out.onnx", "ONNX"), ("out.safetensors", "safetensors") })
        {
            JsonElement report = JsonDocument.Parse(CliRun.Success("inspect", folder.File(file), "--json")).RootElement;
            Assert.Equal("resnet20", report.GetProperty("model").GetString());
            Assert.Equal(format, report.GetProperty("format").GetString());
            Assert.Equal("padding", report.GetProperty("shortcut").GetString());
            Assert.Equal(3, report.GetProperty("classes").GetInt32());
            Assert.Equal(weights.Tensors.Count, report.GetProperty("tensors").GetArrayLength());
            Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(folder.File(file)))),
                report.GetProperty("sha256").GetString());
        }
        foreach (NamedTensor tensor in Safetensors.Read(folder.File("same.safetensors")).Tensors)
            Assert.True(tensor.Data.Span.SequenceEqual(weights.Tensors[tensor.Name].Data.Span), tensor.Name);
        Assert.Contains("module.linear.weight", CliRun.Success("inspect", folder.File("in.safetensors")), StringComparison.Ordinal);
        Assert.Contains("ends in .safetensors or .onnx", CliRun.Refusal("convert", folder.File("in.safetensors"), folder.File("x.bin")), StringComparison.Ordinal);
    }

    /// <summary>A file that does not fit says what is missing, surplus and misshapen.</summary>
    [Fact]
    public void AMisfitIsListed()
    {
        using TemporaryFolder folder = new();
        ResNetSpec spec = ResNetSpec.Standard(20) with { Classes = 3 };
        Dictionary<string, NamedTensor> tensors = new(SmallNetworks.Draw(spec).Tensors);
        tensors.Remove("layer1.1.bn2.bias");
        tensors["layer1.0.bn1.weight"] = NamedTensor.FromFloats("layer1.0.bn1.weight", [5], new float[5]);
        tensors["extra"] = NamedTensor.FromFloats("extra", [1], [0]);
        Safetensors.Write(folder.File("in.safetensors"), [.. tensors.Values]);
        string refusal = CliRun.Refusal("convert", folder.File("in.safetensors"), folder.File("out.onnx"));
        Assert.Contains("1 missing (layer1.1.bn2.bias)", refusal, StringComparison.Ordinal);
        Assert.Contains("1 misshapen (layer1.0.bn1.weight [5] instead of [16])", refusal, StringComparison.Ordinal);
        Assert.Contains("1 surplus (extra)", refusal, StringComparison.Ordinal);
    }

    /// <summary>A model may not read files that it names: not by default, and never outside its folder or through a link.</summary>
    [Theory]
    [InlineData("data.bin", true)]
    [InlineData("sub/data.bin", true)]
    [InlineData("../data.bin", false)]
    [InlineData("/etc/passwd", false)]
    [InlineData("sub/../data.bin", false)]
    [InlineData("./data.bin", false)]
    [InlineData("link.bin", false)]
    [InlineData("linked/data.bin", false)]
    [InlineData("", false)]
    [InlineData("sub", false)]
    [InlineData("absent.bin", false)]
    public void ExternalDataStayBelowTheModelsFolder(string location, bool isAllowed)
    {
        using TemporaryFolder outer = new();
        string folder = Directory.CreateDirectory(outer.File("model")).FullName;
        Directory.CreateDirectory(Path.Combine(folder, "sub"));
        foreach (string file in (string[])["data.bin", "sub/data.bin", "../data.bin"])
            File.WriteAllBytes(Path.Combine(folder, file), new byte[16]);
        File.CreateSymbolicLink(Path.Combine(folder, "link.bin"), Path.Combine(folder, "data.bin"));
        Directory.CreateSymbolicLink(Path.Combine(folder, "linked"), Path.Combine(folder, "sub"));
        Assert.Equal(isAllowed, ExternalData.Resolve(folder, location) is not null);

        Onnx.Format.TensorProto tensor = new() { Name = "w", DataType = 1, DataLocation = 1 };
        tensor.Dims.Add(4);
        tensor.ExternalData.Add(new Onnx.Format.StringStringEntryProto { Key = "location", Value = location });
        Assert.Contains("--external-data", Assert.Throws<ResNetException>(() => OnnxTensors.Read(tensor, "m", null)).Message, StringComparison.Ordinal);
        if (isAllowed)
            Assert.Equal(new float[4], OnnxTensors.Read(tensor, "m", folder).ToFloats());
        else
            Assert.Throws<ResNetException>(() => OnnxTensors.Read(tensor, "m", folder));
        tensor.ExternalData.Add(new Onnx.Format.StringStringEntryProto { Key = "offset", Value = "9223372036854775807" });
        Assert.Throws<ResNetException>(() => OnnxTensors.Read(tensor, "m", folder));
    }

    [TorchvisionFact]
    public void TorchvisionLoadsOurSafetensorsStrictly()
    {
        using TemporaryFolder folder = new();
        ResNetSpec spec = new() { Depth = 18 };
        NetworkWeights weights = SmallNetworks.Draw(spec);
        Safetensors.Write(folder.File("in.safetensors"), [.. weights.Tensors.Values]);
        CliRun.Success("convert", folder.File("in.safetensors"), folder.File("out.safetensors"));
        double[] theirs = Peers.Python($$"""
            import json, struct, torch, torchvision
            def load(path):
                raw = open(path, 'rb').read()
                size = struct.unpack('<Q', raw[:8])[0]
                header = json.loads(raw[8:8 + size])
                return {k: torch.frombuffer(bytearray(raw[8 + size + v['data_offsets'][0]:8 + size + v['data_offsets'][1]]), dtype=torch.float32).reshape(v['shape'])
                        for k, v in header.items() if k != '__metadata__'}
            torch.manual_seed(0)
            m = torchvision.models.resnet18()
            m.load_state_dict(load('{{folder.File("out.safetensors")}}'), strict=True)
            x = (torch.arange(2 * 3 * {{Size}} * {{Size}}) * 7919 % 1000 / 500 - 1).float().reshape(2, 3, {{Size}}, {{Size}})
            with torch.no_grad():
                print(json.dumps(m.eval()(x).flatten().tolist()))
            """);
        AssertClose(theirs, Logits(spec, weights), 1e-4);
    }

    /// <summary>Ours and ONNX Runtime's logits, and those that PyTorch's own exports load to.</summary>
    [OnnxRuntimeTheory]
    [MemberData(nameof(Networks))]
    public void OnnxRuntimeGivesTheSameLogits(int depth, ResNetVersion version, ResNetStem stem, ResNetShortcut shortcut, bool bias)
    {
        ResNetSpec spec = new() { Depth = depth, Version = version, Stem = stem, Shortcut = shortcut, ConvolutionBias = bias, Width = 4, Classes = 5 };
        NetworkWeights weights = SmallNetworks.Draw(spec);
        using TemporaryFolder folder = new();
        double[] ours = Logits(spec, weights);
        foreach (bool fold in (bool[])[false, true])
        {
            string path = folder.File($"{fold}.onnx");
            OnnxWriter.Write(path, spec, weights, fold);
            AssertClose(ours, Peers.OnnxRuntime(path, 2, 3, Size), 1e-4);
        }
    }

    [TorchvisionFact]
    public void ExportsOfPyTorchAreRead()
    {
        using TemporaryFolder folder = new();
        foreach ((string name, bool folded) in new[] { ("resnet18", true), ("resnet18", false), ("resnet50", false) })
        {
            string onnx = folder.File($"{name}-{folded}.onnx"), pth = folder.File($"{name}-{folded}.pth");
            double[] theirs = Peers.Python($$"""
                import json, torch, torchvision
                torch.manual_seed(1)
                m = torchvision.models.{{name}}(num_classes=5)
                x = (torch.arange(2 * 3 * {{Size}} * {{Size}}) * 7919 % 1000 / 500 - 1).float().reshape(2, 3, {{Size}}, {{Size}})
                m(x)
                torch.save({'model': m.state_dict(), 'epoch': 1}, '{{pth}}')
                m.eval()
                torch.onnx.export(m, x, '{{onnx}}', opset_version=13, do_constant_folding={{(folded ? "True" : "False")}},
                    training=torch.onnx.TrainingMode.{{(folded ? "EVAL" : "PRESERVE")}}, dynamic_axes=dict(input=[0]), input_names=['input'])
                with torch.no_grad():
                    print(json.dumps(m(x).flatten().tolist()))
                """);
            foreach (string path in (string[])[onnx, pth])
            {
                NetworkFile file = ReadRenamed(path);
                ResNetSpec spec = Checkpoint.SpecOf(file.File, path) ?? file.Network.Spec;
                Assert.Equal(new ResNetSpec { Depth = int.Parse(name[6..], CultureInfo.InvariantCulture), Classes = 5 }, spec);
                AssertClose(theirs, Logits(spec, new(file.File.Tensors.ToDictionary(t => t.Name), path)), 1e-4);
            }
        }
    }

    private static NetworkFile ReadRenamed(string path)
    {
        using TensorSource source = CudnnResNet.Cli.WeightsFile.Open(path);
        return NetworkFile.Read(source);
    }

    /// <summary>Of two images, from the reference backend; the pixels are those of <see cref="Peers"/>.</summary>
    private static double[] Logits(ResNetSpec spec, NetworkWeights weights)
    {
        using ReferenceBackend backend = new(Environment.ProcessorCount);
        using InferenceSession session = InferenceSession.Create(spec, 2, Size, Size, Precision.Fp64, backend, GoldenNetwork.Untuned);
        session.LoadWeights(weights);
        double[] nhwc = new double[session.ImageElements];
        for (int n = 0; n < 2; n++)
            for (int c = 0; c < 3; c++)
                for (int i = 0; i < Size * Size; i++)
                    nhwc[(n * Size * Size + i) * 3 + c] = (float)((((n * 3L + c) * Size * Size + i) * 7919 % 1000 / 500f) - 1);
        session.WriteImages(nhwc);
        session.Run();
        double[] logits = new double[session.LogitElements];
        session.ReadLogits(logits);
        return logits;
    }

    /// <summary>Relative to the largest logit, or absolute where it is under one.</summary>
    private static void AssertClose(double[] expected, double[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        double scale = Math.Max(1, expected.Max(Math.Abs));
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], tolerance * scale);
    }
}
