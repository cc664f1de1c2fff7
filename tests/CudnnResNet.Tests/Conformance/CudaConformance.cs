using Xunit.Abstractions;

namespace CudnnResNet.Tests.Conformance;

/// <summary>Every kernel of the CUDA backend against the oracle, on the device of this machine or the simulated one.</summary>
[Collection("simulated GPU")]
public class CudaConformance(ConformanceFixture fixture, ITestOutputHelper output) : IClassFixture<ConformanceFixture>
{
    private const string Backend = "cuda";

    [BackendTheory(Backend)]
    [MemberData(nameof(ConformanceFixture.Lines), Backend, MemberType = typeof(ConformanceFixture))]
    public void Agrees(string line) => fixture.CheckAllKernels(Backend, line);

    [BackendFact(Backend)]
    public void RefusesWithReasons() => fixture.CheckRefusals(Backend, output);
}
