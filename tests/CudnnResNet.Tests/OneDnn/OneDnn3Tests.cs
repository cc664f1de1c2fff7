namespace CudnnResNet.Tests.OneDnn;

/// <summary>oneDNN 3 does what oneDNN 2 does, behind the same kernels: this assembly's tests of the backend, run in Debian 13.</summary>
public sealed class OneDnn3Tests
{
    private const string Filter = "FullyQualifiedName~CudnnResNet.Tests.OneDnn|FullyQualifiedName~Conformance"
        + "|(FullyQualifiedName~Golden&FullyQualifiedName~OneDnn)";

    [Debian13Fact]
    public void TheBackendPassesItsTestsInDebian13()
    {
        (_, string libraries) = Debian13.Run("sh", "-c", "ls /usr/lib/x86_64-linux-gnu/libdnnl.so.*");
        Assert.DoesNotContain("libdnnl.so.2", libraries, StringComparison.Ordinal);
        (int status, string output) = Debian13.Run(
            "dotnet", "test", typeof(OneDnn3Tests).Assembly.Location, "--filter", Filter);
        Assert.True(status == 0, output);
        Assert.Matches("Passed! +- Failed: +0, Passed: +[1-9][0-9]{2,}", output);
    }

    private sealed class Debian13FactAttribute : FactAttribute
    {
        public Debian13FactAttribute() => Skip = Debian13.Refusal;
    }
}
