using Xunit.Abstractions;

namespace CudnnResNet.Tests.Conformance;

/// <summary>Every kernel of the oneDNN backend against the oracle, in float32 and bf16.</summary>
public class OneDnnConformance(ConformanceFixture fixture, ITestOutputHelper output) : IClassFixture<ConformanceFixture>
{
    private const string Backend = "onednn";

    [BackendTheory(Backend)]
    [MemberData(nameof(ConformanceFixture.Lines), Backend, MemberType = typeof(ConformanceFixture))]
    public void Agrees(string line) => fixture.CheckAllKernels(Backend, line);

    [BackendFact(Backend)]
    public void RefusesWithReasons() => fixture.CheckRefusals(Backend, output);
}
