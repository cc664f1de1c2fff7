using System.Text.Json;

namespace CudnnResNet.Tests.Golden;

/// <summary>
/// One golden case: a network, its evaluation logits before training, and what a few steps of SGD on one batch did,
/// computed in float64 by PyTorch (make_golden.py). Parameters are known by torchvision's names.
/// </summary>
public sealed record GoldenCase(
    string Name,
    int Depth,
    string Version,
    string Stem,
    int Classes,
    int Batch,
    int ImageSize,
    string Salt,
    double LabelSmoothing,
    double LearningRate,
    double Momentum,
    double WeightDecay,
    long ParameterCount,
    double[][] EvalLogits,
    double[] TrainLosses,
    Dictionary<string, double> FirstStepGradientNorms,
    Dictionary<string, double[]> FinalNormFirstLast,
    int Width = 64,
    bool Padded = false)
{
    /// <summary>The cases, in the order in which make_golden.py writes them.</summary>
    public static readonly IReadOnlyList<string> Names =
    [
        "resnet18-v1.5-imagenet", "resnet34-v1.5-cifar", "resnet50-v1.5-imagenet", "resnet50-v1-imagenet",
        "resnet50-v2-imagenet", "resnet18-v2-cifar", "resnet50-v1.5-nodown", "resnet101-v1.5-imagenet",
        "resnet152-v2-imagenet", "resnet200-v2-imagenet", "resnet20-v1.5-padded", "resnet110-v1.5-padded",
        "resnet32-v2-padded",
    ];

    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>The case names as xunit theory data.</summary>
    public static TheoryData<string> All => [.. Names];

    /// <summary>The number of SGD steps the case holds; 0 for an inference-only case.</summary>
    public int Steps => TrainLosses.Length;

    public static GoldenCase Load(string name)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Golden", name + ".json");
        return JsonSerializer.Deserialize<GoldenCase>(File.ReadAllBytes(path), Format)
            ?? throw new InvalidDataException($"{path} holds null");
    }
}
