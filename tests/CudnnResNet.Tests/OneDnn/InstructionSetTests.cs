using System.Runtime.Intrinsics.X86;
using CudnnResNet.OneDnn;

namespace CudnnResNet.Tests.OneDnn;

/// <summary>./test runs some tests once more on a smaller instruction set: here it is seen that it really is smaller.</summary>
public sealed class InstructionSetTests
{
    private const string Variable = "CUDNNRESNET_EXPECTED_ISA";

    private static readonly string? Expected = Environment.GetEnvironmentVariable(Variable);

    [ExpectedInstructionSetFact]
    public void IsTheOneAskedFor()
    {
        Assert.Equal("avx2", Expected);
        Assert.True(Avx2.IsSupported);
        Assert.False(Avx512F.IsSupported);
        Assert.StartsWith("avx2", OneDnnBackend.Probe().InstructionSet, StringComparison.Ordinal);
        if (CpuKernelsProbe.Run() is { IsAvailable: true } own)
            Assert.Equal<string>(["avx2"], own.InstructionSets);
    }

    private sealed class ExpectedInstructionSetFactAttribute : FactAttribute
    {
        public ExpectedInstructionSetFactAttribute() => Skip = OneDnnBackend.Probe().Refusal
            ?? (Expected is null ? $"{Variable} names no smaller instruction set" : null);
    }
}
