namespace CudnnResNet.Tests.Weights;

/// <summary>Published weights and images that are not part of the project, where they are at hand.</summary>
internal static class RealData
{
    public const string Variable = "CUDNNRESNET_DATA";

    private static readonly string Folder = Environment.GetEnvironmentVariable(Variable)
        ?? System.IO.Path.Combine(RepositoryRoot.Path, "..", "shared", "data");

    public static string? Refusal => Directory.Exists(System.IO.Path.Combine(Folder, "weights"))
        ? null
        : $"needs the published weights: {Variable} names no folder of them, and {System.IO.Path.GetFullPath(Folder)} is none";

    public static string Path(string name) => System.IO.Path.Combine(Folder, name);
}

/// <summary>A test with published weights; skipped where they are not.</summary>
internal sealed class RealDataTheoryAttribute : TheoryAttribute
{
    public RealDataTheoryAttribute() => Skip = RealData.Refusal ?? CudnnResNet.OneDnn.OneDnnBackend.Probe().Refusal;
}

/// <inheritdoc cref="RealDataTheoryAttribute"/>
internal sealed class RealDataFactAttribute : FactAttribute
{
    public RealDataFactAttribute() => Skip = RealData.Refusal ?? CudnnResNet.OneDnn.OneDnnBackend.Probe().Refusal;
}
