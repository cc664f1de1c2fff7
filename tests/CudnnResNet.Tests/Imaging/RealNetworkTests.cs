using System.IO.Compression;
using System.Text.Json;
using CudnnResNet.Compilation;
using CudnnResNet.Data;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Inference;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Cli;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Imaging;

/// <summary>Trained networks on photographs give the numbers that PyTorch 1.13 and torchvision 0.14 gave.</summary>
public class RealNetworkTests
{
    private const int Side = 224;
    private static readonly string[] Quickly = ["--plan-cache", "none", "--deterministic"];

    /// <summary>Decode, resize and crop of full-size files, in fp32: exactly PyTorch's 81 and 98 right of 100.</summary>
    [RealDataFact]
    public void PhotographsAreRecognisedAsOftenAsByPyTorch()
    {
        using JsonDocument json = JsonDocument.Parse(CliRun.Success(["eval", "--weights", RealData.Weights("pqf18"),
            "--data", $"csv:{RealData.PathOf("images/original100.csv")}", "--batch", "20", "--json", .. Quickly]));
        Assert.Equal(100, json.RootElement.GetProperty("images").GetInt32());
        Assert.Equal(81, json.RootElement.GetProperty("top1").GetDouble());
        Assert.Equal(98, json.RootElement.GetProperty("top5").GetDouble());
        Assert.Equal("electric ray", json.RootElement.GetProperty("classes")[0].GetProperty("name").GetString());
        Assert.Equal(100, json.RootElement.GetProperty("confusion").EnumerateArray().Sum(cell => cell[2].GetInt32()));
    }

    /// <summary>
    /// The 1,000 crops as JPEG files through the ResNet-50: in fp32 PyTorch's 82.5 and 95.4 per cent exactly, in bf16 within
    /// one point, since rounding flips about one answer in a hundred either way.
    /// </summary>
    [RealDataTheory]
    [InlineData("fp32", 0)]
    [InlineData("bf16", 1)]
    public void CropsAreRecognisedAsOftenAsByPyTorch(string precision, double tolerance)
    {
        using TemporaryFolder folder = new();
        File.WriteAllLines(folder.File("crops.csv"), Directory.GetFiles(RealData.PathOf("images/crops224")).Order(StringComparer.Ordinal)
            .Select(path => $"\"{Path.GetFullPath(path)}\",{int.Parse(Path.GetFileName(path).AsSpan(0, 4), System.Globalization.CultureInfo.InvariantCulture)}"));
        using JsonDocument json = JsonDocument.Parse(CliRun.Success(["eval", "--weights", RealData.Weights("pqf50L"), "--precision", precision,
            "--data", $"csv:{folder.File("crops.csv")}", "--resize", "0", "--batch", "50", "--json", .. Quickly]));
        Assert.Equal(1000, json.RootElement.GetProperty("images").GetInt32());
        Assert.Equal(82.5, json.RootElement.GetProperty("top1").GetDouble(), tolerance + 1e-9);
        Assert.Equal(95.4, json.RootElement.GetProperty("top5").GetDouble(), tolerance + 1e-9);
    }

    /// <summary>The recorded logits are fp32 sums in another order: they agree to 1e-4.</summary>
    [RealDataTheory]
    [InlineData("pqf18", "pqf18")]
    [InlineData("pqf18-statistics", "pqf18")]
    [InlineData("pqf50L", "pqf50L")]
    public void LogitsAreThoseOfPyTorch(string weights, string reference)
    {
        NpyArray pixels = NpyFile.Read(RealData.PathOf("reference/input_u8_first64.npy"));
        NpyArray expected = NpyFile.Read(RealData.PathOf($"reference/{reference}_u8_logits_first64.npy"));
        ByteImageSet images = new("first64", pixels.Data, (Side, Side, 3), [.. Enumerable.Range(0, 64)], [.. Enumerable.Range(0, 1000).Select(i => $"{i}")]);
        const int batch = 16;
        EvaluationBatches batches = new(images, batch, Normalization.ImageNet);
        using IBackend backend = TestBackends.Create("onednn");
        using InferenceSession session = InferenceSession.Create(Spec(reference), batch, Side, Side, Precision.Fp32, backend, GoldenNetwork.Untuned);
        session.LoadWeights(Load(weights));
        float[] logits = new float[session.LogitElements];
        for (int index = 0; index < batches.BatchCount; index++)
        {
            session.Run(batches.Read(index).Images, logits);
            ReadOnlySpan<float> wanted = expected.AsFloats().Slice(index * logits.Length, logits.Length);
            for (int i = 0; i < logits.Length; i++)
                Assert.True(Math.Abs(wanted[i] - logits[i]) <= 1e-4 * Math.Max(1, Math.Abs(wanted[i])),
                    $"logit {index * logits.Length + i}: {logits[i]} instead of {wanted[i]}");
        }
    }

    /// <summary>JPEG files of the network's own size: only the decoder stands between them and the logits.</summary>
    [RealDataFact]
    public void LogitsOfJpegFilesAreThoseOfPyTorch()
    {
        using TemporaryFolder folder = new();
        string[] files = [.. Directory.GetFiles(RealData.PathOf("images/crops224")).Order(StringComparer.Ordinal).Take(64)];
        string[] lines = CliRun.Success(["predict", .. files, "--weights", RealData.Weights("pqf18"), "--resize", "0", "--json",
            "--out", folder.File("logits.npy"), "--html", folder.File("sheet.html"), .. Quickly]).Trim().Split('\n');
        ReadOnlySpan<float> expected = NpyFile.Read(RealData.PathOf("reference/pqf18_crops224_logits_first64.npy")).AsFloats();
        ReadOnlySpan<float> logits = NpyFile.Read(folder.File("logits.npy")).AsFloats();
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - logits[i]) <= 1e-4 * Math.Max(1, Math.Abs(expected[i])), $"logit {i}: {logits[i]} instead of {expected[i]}");

        string[][] rows = [.. File.ReadLines(RealData.PathOf("reference/pqf18_crops224_top5.csv")).Skip(1).Take(64).Select(line => line.Split(','))];
        for (int n = 0; n < 64; n++)
        {
            using JsonDocument line = JsonDocument.Parse(lines[n]);
            JsonElement[] top = [.. line.RootElement.GetProperty("top").EnumerateArray()];
            Assert.Equal(files[n], line.RootElement.GetProperty("file").GetString());
            Assert.Equal(rows[n][2..7], top.Select(likely => $"{likely.GetProperty("class").GetInt32()}"));
            for (int k = 0; k < 5; k++)
                Assert.Equal(double.Parse(rows[n][7 + k], System.Globalization.CultureInfo.InvariantCulture), top[k].GetProperty("probability").GetDouble(), 1e-4);
        }
        Assert.Equal(64, File.ReadAllText(folder.File("sheet.html")).Split("<figure").Length - 1);
    }

    /// <summary>Layer by layer, within 1e-4 of each layer's largest value.</summary>
    [RealDataTheory]
    [InlineData("pqf18")]
    [InlineData("pqf50L")]
    public void LayersAreThoseOfPyTorch(string network)
    {
        ResNetSpec spec = Spec(network);
        FoldedGraph folded = BatchNormFolding.Apply(ResNetGraph.Inference(spec, 1, Side, Side, Precision.Fp32));
        (string Reference, string Value)[] layers =
        [
            ("maxpool", "maxpool.y"),
            .. Enumerable.Range(0, 4).Select(stage => ($"layer{stage + 1}", $"layer{stage + 1}.{spec.BlocksPerStage[stage] - 1}.out.y")),
            ("avgpool", "avgpool.y"),
            ("fc", ResNetGraph.Logits),
        ];
        LayerGraph graph = folded.Graph with { Outputs = [.. layers.Select(layer => folded.Graph.Find(layer.Value).Id)] };
        using IBackend backend = TestBackends.Create("onednn");
        using ExecutionPlan plan = ExecutionPlan.Load(Compiler.Compile(graph, backend, GoldenNetwork.Untuned with { ConstantWeights = true }), backend);
        NetworkWeights weights = Load(network);
        Dictionary<string, Value> byName = ResNetGraph.Inference(spec, 1, Side, Side, Precision.Fp32).Values.ToDictionary(value => value.Name);
        Dictionary<string, FoldedParameter> folds = folded.Parameters.ToDictionary(parameter => parameter.Target);
        foreach (Value value in graph.WithRole(ValueRole.Parameter))
            new HostAccess(plan, value).Write(folds.TryGetValue(value.Name, out FoldedParameter? fold)
                ? FoldedValues.Compute(fold, name => weights.ValuesOf(name, byName[name].Shape))
                : weights.ValuesOf(value.Name, value.Shape));
        plan.Prepare();
        byte[] pixels = NpyFile.Read(RealData.PathOf("reference/input_u8_first64.npy")).Data[..(Side * Side * 3)];
        EvaluationBatches batches = new(new ByteImageSet("image 0", pixels, (Side, Side, 3), [0], ["0"]), 1, Normalization.ImageNet);
        new HostAccess(plan, graph.Find(ResNetGraph.Images)).Write(batches.Read(0).Images);
        plan.Run();

        using ZipArchive archive = ZipFile.OpenRead(RealData.PathOf($"reference/{network}_u8_image0_layers.npz"));
        foreach ((string reference, string name) in layers)
        {
            Value value = graph.Find(name);
            float[] actual = new float[value.Shape.Elements];
            new HostAccess(plan, value).Read(actual);
            RequireClose(reference, Chw(archive, reference), actual);
        }
    }

    private static void RequireClose(string layer, NpyArray chw, float[] hwc)
    {
        ReadOnlySpan<float> expected = chw.AsFloats();
        Assert.Equal(expected.Length, hwc.Length);
        int channels = (int)chw.Shape[0];
        int pixels = hwc.Length / channels;
        float largest = 0, farthest = 0;
        for (int c = 0; c < channels; c++)
            for (int i = 0; i < pixels; i++)
            {
                float wanted = expected[c * pixels + i];
                largest = Math.Max(largest, Math.Abs(wanted));
                farthest = Math.Max(farthest, Math.Abs(wanted - hwc[i * channels + c]));
            }
        Assert.True(farthest <= 1e-4 * largest, $"{layer}: off by {farthest} where the largest value is {largest}");
    }

    private static NpyArray Chw(ZipArchive archive, string name)
    {
        using MemoryStream content = new();
        using (Stream entry = archive.GetEntry($"{name}.npy")!.Open())
            entry.CopyTo(content);
        return NpyFile.Parse(content.ToArray(), name);
    }

    private static ResNetSpec Spec(string network) => new() { Depth = network == "pqf50L" ? 50 : 18 };

    private static NetworkWeights Load(string network) =>
        Checkpoint.WeightsOf(Safetensors.Read(RealData.Weights(network)), network);
}
