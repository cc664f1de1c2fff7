using CudnnResNet.Inference;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Cli;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Weights;

/// <summary>
/// One network under the names of several libraries is one network: the files are written here by rules that restate the
/// libraries' modules, not by the tables that read them, and give the same logits.
/// </summary>
public class NamingSchemeTests
{
    private const int Size = 40;
    private const int Images = 2;

    [Theory]
    [InlineData(18)]
    [InlineData(50)]
    public void TheNamesOfTorchvisionTimmAndHuggingFaceGiveOneNetwork(int depth)
    {
        ResNetSpec spec = new() { Depth = depth, Width = 4, Classes = 5 };
        NetworkWeights drawn = SmallNetworks.Draw(spec);
        double[] expected = Logits(spec, drawn);
        // timm's resnet18 to 152 have torchvision's names.
        Assert.Equal(expected, Read(drawn, "torchvision", name => name, spec));
        Assert.Equal(expected, Read(drawn, "torchvision", name => $"module.{name}", spec));
        Assert.Equal(expected, Read(drawn, "huggingface", HuggingFace, spec));
        Assert.Equal(expected, Read(drawn, "huggingface", name => HuggingFace(name).Replace("resnet.", "", StringComparison.Ordinal), spec));
    }

    [Fact]
    public void TheNamesOfTimmsPreActivationNetworksGiveOneNetwork()
    {
        ResNetSpec spec = new() { Depth = 50, Version = ResNetVersion.V2, Width = 4, Classes = 5 };
        NetworkWeights drawn = SmallNetworks.Draw(spec);
        double[] expected = Logits(spec, drawn);
        Assert.Equal(expected, Read(drawn, "timm-resnetv2", Timm, spec));
        Assert.Equal(expected, Read(drawn, "timm-resnetv2", name => $"backbone.{Timm(name)}", spec));
    }

    /// <summary>The state dictionary of torchvision's resnet50, written by torchvision 0.14 with its shapes.</summary>
    [Fact]
    public void OurTensorsAreThoseOfTorchvisionsStateDictionary()
    {
        // The count of batches is no weight, and torchvision fills it in where a file lacks it.
        string[] theirs = [.. File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Weights/Fixtures/torchvision-resnet50.txt"))
            .Where(line => !line.Contains("num_batches_tracked", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        Assert.Equal(267, theirs.Length);
        Assert.Equal(theirs, SmallNetworks.Values(new ResNetSpec { Depth = 50 })
            .Select(value => $"{value.Name} {string.Join(' ', NetworkWeights.FileShape(value.Shape))}").Order(StringComparer.Ordinal));
    }

    /// <summary>
    /// The file's tensors in a network of PyTorch's own functions, which takes them by the names of torchvision's modules;
    /// tensors that it does not ask for fail the test, as those that it misses do.
    /// </summary>
    [TorchFact]
    public void PyTorchComputesTheSameFromOurFile()
    {
        using TemporaryFolder folder = new();
        ResNetSpec spec = new() { Depth = 50, Classes = 7 };
        NetworkWeights drawn = SmallNetworks.Draw(spec);
        Safetensors.Write(folder.File("in.safetensors"), [.. drawn.Tensors.Values]);
        CliRun.Success("convert", folder.File("in.safetensors"), folder.File("out.safetensors"));
        double[] theirs = Peers.Python($$"""
            import json, struct, torch
            import torch.nn.functional as F
            raw = open('{{folder.File("out.safetensors")}}', 'rb').read()
            size = struct.unpack('<Q', raw[:8])[0]
            tensors = {k: torch.frombuffer(bytearray(raw[8 + size + v['data_offsets'][0]:8 + size + v['data_offsets'][1]]), dtype=torch.float32).reshape(v['shape'])
                       for k, v in json.loads(raw[8:8 + size]).items() if k != '__metadata__'}
            take = tensors.pop
            def bn(x, name):
                return F.batch_norm(x, take(name + '.running_mean'), take(name + '.running_var'), take(name + '.weight'), take(name + '.bias'), eps=1e-5)
            x = (torch.arange({{Images}} * 3 * {{Size}} * {{Size}}) * 7919 % 1000 / 500 - 1).float().reshape({{Images}}, 3, {{Size}}, {{Size}})
            x = F.max_pool2d(bn(F.conv2d(x, take('conv1.weight'), stride=2, padding=3), 'bn1').relu(), 3, 2, 1)
            for layer, blocks in enumerate([3, 4, 6, 3], 1):
                for block in range(blocks):
                    name, stride = f'layer{layer}.{block}.', 2 if layer > 1 and block == 0 else 1
                    y = bn(F.conv2d(x, take(name + 'conv1.weight')), name + 'bn1').relu()
                    y = bn(F.conv2d(y, take(name + 'conv2.weight'), stride=stride, padding=1), name + 'bn2').relu()
                    y = bn(F.conv2d(y, take(name + 'conv3.weight')), name + 'bn3')
                    if block == 0:
                        x = bn(F.conv2d(x, take(name + 'downsample.0.weight'), stride=stride), name + 'downsample.1')
                    x = (x + y).relu()
            y = F.linear(x.mean((2, 3)), take('fc.weight'), take('fc.bias'))
            assert not tensors, list(tensors)
            print(json.dumps(y.flatten().tolist()))
            """);
        double[] ours = Logits(spec, drawn);
        double scale = Math.Max(1, theirs.Max(Math.Abs));
        for (int i = 0; i < theirs.Length; i++)
            Assert.Equal(theirs[i], ours[i], 1e-4 * scale);
    }

    /// <summary>ResNetForImageClassification: an embedder, an encoder of stages of layers, and a classifier behind a Flatten.</summary>
    private static string HuggingFace(string name)
    {
        string[] parts = name.Split('.');
        if (parts[0] == "fc")
            return $"classifier.1.{parts[1]}";
        if (!parts[0].StartsWith("layer", StringComparison.Ordinal))
            return $"resnet.embedder.embedder.{(parts[0] == "conv1" ? "convolution" : "normalization")}.{parts[1]}";
        string block = $"resnet.encoder.stages.{parts[0][^1] - '1'}.layers.{parts[1]}.";
        return parts[2] == "downsample"
            ? $"{block}shortcut.{(parts[3] == "0" ? "convolution" : "normalization")}.{parts[4]}"
            : $"{block}layer.{parts[2][^1] - '1'}.{(parts[2].StartsWith("conv", StringComparison.Ordinal) ? "convolution" : "normalization")}.{parts[3]}";
    }

    /// <summary>ResNetV2: a stem, stages of blocks whose norms stand before their convolutions, a norm and a head.</summary>
    private static string Timm(string name)
    {
        string[] parts = name.Split('.');
        return parts[0] switch
        {
            "conv1" => $"stem.conv.{parts[1]}",
            "fc" => $"head.fc.{parts[1]}",
            "norm" => name,
            _ => $"stages.{parts[0][^1] - '1'}.blocks.{parts[1]}."
                + (parts[2] == "downsample" ? $"downsample.conv.{parts[4]}" : $"{parts[2].Replace("bn", "norm", StringComparison.Ordinal)}.{parts[3]}"),
        };
    }

    private static double[] Read(NetworkWeights drawn, string convention, Func<string, string> rename, ResNetSpec spec)
    {
        using TemporaryFolder folder = new();
        NamedTensor[] tensors = [.. drawn.Tensors.Values.Select(tensor => tensor with
        {
            Name = rename(tensor.Name),
            // timm's head is a 1x1 convolution.
            Shape = convention == "timm-resnetv2" && tensor.Name == "fc.weight" ? [.. tensor.Shape, 1, 1] : tensor.Shape,
        })];
        Assert.True(convention == "torchvision" || tensors.All(tensor => tensor.Name.StartsWith("norm.", StringComparison.Ordinal)
            || !drawn.Tensors.ContainsKey(tensor.Name)));
        Safetensors.Write(folder.File("w.safetensors"), tensors);
        using TensorSource source = WeightFormats.Open(folder.File("w.safetensors"));
        NetworkFile file = NetworkFile.Read(source);
        Assert.Equal(convention, file.Convention);
        Assert.Equal(spec, file.Network.Spec);
        return Logits(file.Network.Spec, new NetworkWeights(file.File.Tensors.ToDictionary(tensor => tensor.Name), "renamed"));
    }

    /// <summary>From the reference backend in double; the pixels are those of <see cref="PyTorchComputesTheSameFromOurFile"/>.</summary>
    private static double[] Logits(ResNetSpec spec, NetworkWeights weights)
    {
        using ReferenceBackend backend = new(Environment.ProcessorCount);
        using InferenceSession session = InferenceSession.Create(spec, Images, Size, Size, Precision.Fp64, backend, GoldenNetwork.Untuned);
        session.LoadWeights(weights);
        double[] nhwc = new double[session.ImageElements];
        for (int n = 0; n < Images; n++)
            for (int c = 0; c < 3; c++)
                for (int i = 0; i < Size * Size; i++)
                    nhwc[(n * Size * Size + i) * 3 + c] = (float)((((n * 3L + c) * Size * Size + i) * 7919 % 1000 / 500f) - 1);
        session.WriteImages(nhwc);
        session.Run();
        double[] logits = new double[session.LogitElements];
        session.ReadLogits(logits);
        return logits;
    }
}
