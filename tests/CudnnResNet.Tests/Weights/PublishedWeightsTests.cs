using CudnnResNet.Compilation;
using CudnnResNet.Data;
using CudnnResNet.Inference;
using CudnnResNet.Models;
using CudnnResNet.OneDnn;
using CudnnResNet.Tensors;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Weights;

/// <summary>
/// Published networks, read from the files that their authors made, predict what PyTorch recorded. In float32 logits agree
/// to 1e-4, so an answer may differ only where the two best logits lie within twice that.
/// </summary>
public class PublishedWeightsTests
{
    private const double LogitTolerance = 1e-4;
    private const int Pixels = 32 * 32;
    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] Deviation = [0.229f, 0.224f, 0.225f];

    [RealDataTheory]
    [InlineData(20, "12fca82f", "test_jpeg_1000", 804)]
    [InlineData(20, "12fca82f", "train_lossless_1000", 999)]
    [InlineData(32, "d509ac18", "test_jpeg_1000", 840)]
    [InlineData(32, "d509ac18", "train_lossless_1000", 1000)]
    [InlineData(44, "014dd654", "test_jpeg_1000", 821)]
    [InlineData(44, "014dd654", "train_lossless_1000", 999)]
    [InlineData(56, "4bfd9763", "test_jpeg_1000", null)]
    [InlineData(56, "4bfd9763", "train_lossless_1000", null)]
    public void NetworksForCifarPredictWhatPyTorchDoes(int depth, string hash, string set, int? correct)
    {
        using TensorSource source = WeightFormats.Open(RealData.PathOf($"weights/cifar10-akamaster/resnet{depth}-{hash}.th"));
        NetworkFile file = NetworkFile.Read(source);
        Assert.Equal("PyTorch legacy", file.Format);
        Assert.Equal(new RecognizedNetwork(ResNetSpec.Standard(depth), Doubt: null), file.Network);

        byte[] records = File.ReadAllBytes(RealData.PathOf($"images/cifar10/{set}.bin"));
        int images = records.Length / (1 + 3 * Pixels);
        float[][] logits = Logits(file, records, images);
        int[] predicted = [.. logits.Select(row => row.IndexOf(row.Max()))];
        int[] recorded = [.. File.ReadAllLines(RealData.PathOf($"reference/cifar10_{set}_resnet{depth}_argmax.txt")).Select(int.Parse)];
        for (int i = 0; i < images; i++)
            if (predicted[i] != recorded[i])
                Assert.True(logits[i].Max() - logits[i][recorded[i]] <= 2 * LogitTolerance, $"image {i}: {predicted[i]} instead of {recorded[i]}");
        if (correct is { } count)
            Assert.Equal(count, Enumerable.Range(0, images).Count(i => predicted[i] == records[i * (1 + 3 * Pixels)]));

        NpyArray first64 = NpyFile.Read(RealData.PathOf($"reference/cifar10_{set}_resnet{depth}_logits_first64.npy"));
        float[] expected = first64.AsFloats().ToArray();
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], logits[i / 10][i % 10], LogitTolerance);
    }

    /// <summary>The zip and safetensors forms of the same tensors read the same.</summary>
    [RealDataFact]
    public void TheAuthorsFileHoldsTheTensorsOfItsCopy()
    {
        using TensorSource original = WeightFormats.Open(RealData.PathOf("weights/cifar10-akamaster/resnet20-12fca82f.th"));
        using TensorSource copy = WeightFormats.Open(RealData.PathOf("weights/safetensors/cifar10_resnet20.safetensors"));
        TensorFile a = NetworkFile.Read(original).File, b = NetworkFile.Read(copy).File;
        Assert.Equal(a.Tensors.Select(t => t.Name).Where(n => !n.EndsWith("tracked", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
            b.Tensors.Select(t => t.Name).Where(n => !n.EndsWith("tracked", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        foreach (NamedTensor tensor in b.Tensors)
            Assert.True(a.TryGet(tensor.Name)!.Data.Span.SequenceEqual(tensor.Data.Span), tensor.Name);
    }

    [RealDataTheory]
    [InlineData("pqf18", "resnet18_pqf", 18)]
    [InlineData("pqf50L", "resnet50_pqf_large", 50)]
    public void NetworksForImageNetGiveTheLogitsThatPyTorchGives(string name, string weights, int depth)
    {
        const int Images = 8, Size = 224;
        using TensorSource source = WeightFormats.Open(RealData.PathOf($"weights/safetensors/{weights}.safetensors"));
        NetworkFile file = NetworkFile.Read(source);
        Assert.Equal(new RecognizedNetwork(new ResNetSpec { Depth = depth }, Doubt: null), file.Network);
        byte[] pixels = NpyFile.Read(RealData.PathOf("reference/input_u8_first64.npy")).Data;
        float[] x = new float[Images * Size * Size * 3];
        for (int i = 0; i < x.Length; i++)
            x[i] = (pixels[i] / 255f - Mean[i % 3]) / Deviation[i % 3];
        float[] expected = NpyFile.Read(RealData.PathOf($"reference/{name}_u8_logits_first64.npy")).AsFloats().ToArray();
        float[] logits = Run(file, x, Images, Size);
        for (int i = 0; i < logits.Length; i++)
            Assert.Equal(expected[i], logits[i], LogitTolerance);
    }

    private static float[][] Logits(NetworkFile file, byte[] records, int images)
    {
        float[] x = new float[images * Pixels * 3];
        for (int n = 0; n < images; n++)
            for (int c = 0; c < 3; c++)
                for (int i = 0; i < Pixels; i++)
                    x[(n * Pixels + i) * 3 + c] = (records[n * (1 + 3 * Pixels) + 1 + c * Pixels + i] / 255f - Mean[c]) / Deviation[c];
        return [.. Run(file, x, images, size: 32).Chunk(file.Network.Spec.Classes)];
    }

    private static float[] Run(NetworkFile file, float[] images, int count, int size)
    {
        int batch = Math.Min(count, 100);
        using OneDnnBackend backend = new(Environment.ProcessorCount);
        using InferenceSession session = InferenceSession.Create(file.Network.Spec, batch, size, size, Precision.Fp32, backend,
            new CompilerOptions { Tune = false, PlanCacheFolder = null });
        session.LoadWeights(new NetworkWeights(file.File.Tensors.ToDictionary(tensor => tensor.Name), "published"));
        float[] logits = new float[count * file.Network.Spec.Classes];
        for (int n = 0; n < count; n += batch)
            session.Run(images.AsSpan(n * session.ImageElements / batch, session.ImageElements),
                logits.AsSpan(n * session.LogitElements / batch, session.LogitElements));
        return logits;
    }
}
