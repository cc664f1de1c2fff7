using CudnnResNet.OneDnn;

namespace CudnnResNet.Tests.OneDnn;

/// <summary>oneDNN 3 does what oneDNN 2 does, behind the same kernels: this assembly's tests of the backend, run in Debian 13.</summary>
public sealed class OneDnn3Tests
{
    private const string Variable = "CUDNNRESNET_EXPECTED_ONEDNN";

    private const string Filter = "FullyQualifiedName~CudnnResNet.Tests.OneDnn|FullyQualifiedName~OneDnnConformance"
        + "|(FullyQualifiedName~Golden&FullyQualifiedName~OneDnn)|FullyQualifiedName~BFloat16Tests"
        + "|FullyQualifiedName~DeterminismTests|FullyQualifiedName~ContinuationTests";

    private static readonly string? Expected = Environment.GetEnvironmentVariable(Variable);

    /// <summary>Its tests fail there if oneDNN 3 does not load: without <see cref="TheVersionIsTheOneAskedFor"/> they would be skipped.</summary>
    [Debian13Fact]
    public void TheBackendPassesItsTestsInDebian13()
    {
        (int status, string output) = Debian13.Run("env", $"{Variable}=3",
            "dotnet", "test", typeof(OneDnn3Tests).Assembly.Location, "--filter", Filter, "--logger", "console;verbosity=normal");
        Assert.True(status == 0, output);
        Assert.Contains($"Passed {typeof(OneDnn3Tests).FullName}.{nameof(TheVersionIsTheOneAskedFor)}", output, StringComparison.Ordinal);
    }

    [ExpectedVersionFact]
    public void TheVersionIsTheOneAskedFor()
    {
        OneDnnProbe probe = OneDnnBackend.Probe();
        Assert.Null(probe.Refusal);
        Assert.StartsWith($"{Expected}.", probe.Version, StringComparison.Ordinal);
    }

    private sealed class Debian13FactAttribute : FactAttribute
    {
        public Debian13FactAttribute() => Skip = Debian13.Refusal;
    }

    private sealed class ExpectedVersionFactAttribute : FactAttribute
    {
        public ExpectedVersionFactAttribute() => Skip = Expected is null ? $"{Variable} is not set." : null;
    }
}
