using CudnnResNet.Imaging.Decoding;
using CudnnResNet.OneDnn;

namespace CudnnResNet.Tests.Imaging;

/// <summary>
/// Real images, real weights and PyTorch's numbers for them, which cannot be part of this repository: the folder that
/// CUDNNRESNET_DATA names, or shared/data beside the checkout.
/// </summary>
internal static class RealData
{
    public const string Variable = "CUDNNRESNET_DATA";

    public static string Folder { get; } = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder
        ? folder
        : Path.Combine(RepositoryRoot.Path, "..", "shared", "data");

    public static string? Refusal => File.Exists(PathOf("INDEX.md"))
        ? ImagingProbe.Run().Refusal ?? OneDnnBackend.Probe().Refusal
        : $"no test data in {Folder}; set {Variable} to their folder";

    public static string PathOf(string relative) => Path.Combine(Folder, relative);

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
