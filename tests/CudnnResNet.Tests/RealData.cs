using CudnnResNet.Imaging.Decoding;
using CudnnResNet.OneDnn;

namespace CudnnResNet.Tests;

/// <summary>
/// Published weights, real images and PyTorch's numbers for them, which cannot be part of this repository: the folder that
/// CUDNNRESNET_DATA names (docs/environment.md).
/// </summary>
internal static class RealData
{
    public const string Variable = "CUDNNRESNET_DATA";

    private static readonly string? Folder = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder ? folder : null;

    public static string? Refusal => Folder is null
        ? $"needs published weights and images: {Variable} does not name their folder"
        : File.Exists(PathOf("INDEX.md"))
            ? ImagingProbe.Run().Refusal ?? OneDnnBackend.Probe().Refusal
            : $"{Variable} is {Folder}, which has no INDEX.md of published weights and images";

    public static string PathOf(string relative) => Path.Combine(Folder!, relative);

    public static string Weights(string network) => PathOf($"weights/safetensors/{network switch
    {
        "pqf18" => "resnet18_pqf",
        "pqf18-statistics" => "resnet18_pqf.bnstats",
        _ => "resnet50_pqf_large",
    }}.safetensors");
}

/// <summary>A test on real data with the fast backend; skipped where one of them is missing.</summary>
internal sealed class RealDataFactAttribute : FactAttribute
{
    public RealDataFactAttribute() => Skip = RealData.Refusal;
}

/// <inheritdoc cref="RealDataFactAttribute"/>
internal sealed class RealDataTheoryAttribute : TheoryAttribute
{
    public RealDataTheoryAttribute() => Skip = RealData.Refusal;
}
