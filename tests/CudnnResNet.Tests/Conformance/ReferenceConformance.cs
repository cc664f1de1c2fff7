using Xunit.Abstractions;

namespace CudnnResNet.Tests.Conformance;

/// <summary>
/// The reference backend in float32 against itself in double, and its manners in memory. That the double results are
/// right is shown by the tests of the single kernels.
/// </summary>
public class ReferenceConformance(ConformanceFixture fixture, ITestOutputHelper output) : IClassFixture<ConformanceFixture>
{
    private const string Backend = "reference";

    [BackendTheory(Backend)]
    [MemberData(nameof(ConformanceFixture.Lines), Backend, MemberType = typeof(ConformanceFixture))]
    public void Agrees(string line) => fixture.CheckAllKernels(Backend, line);

    [BackendFact(Backend)]
    public void RefusesWithReasons() => fixture.CheckRefusals(Backend, output);
}
