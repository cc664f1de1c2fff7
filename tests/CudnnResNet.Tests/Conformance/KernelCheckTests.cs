using CudnnResNet.Kernels;
using CudnnResNet.Reference;

namespace CudnnResNet.Tests.Conformance;

/// <summary>The conformance check passes a correct kernel and catches each fault it is there for.</summary>
public sealed class KernelCheckTests : IDisposable
{
    private readonly ReferenceBackend _backend = new(threads: 1);

    public static TheoryData<Fault> Faults => [.. Enum.GetValues<Fault>().Where(fault => fault != Fault.None)];

    public void Dispose() => _backend.Dispose();

    [Fact]
    public void PassesACorrectKernel() => Check(Fault.None);

    [Theory]
    [MemberData(nameof(Faults))]
    public void CatchesAFault(Fault fault) => Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Check(fault));

    [Fact]
    public void CatchesAVarianceThatCancels()
    {
        Problem problem = ProblemParser.Parse("bn_train n4 h8 w8 c64 eps1E-05 mom0.1 f32");
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(
            () => KernelCheck.Check(_backend, new OnePassVariance(), problem, new Oracle(_backend)));
    }

    [Theory]
    [InlineData(1.0, 1.0)]
    [InlineData(1 + 1.0 / 256, 1.0)]
    [InlineData(1 + 3.0 / 256, 1 + 4.0 / 256)]
    [InlineData(-1 - 1.001 / 256, -1 - 2.0 / 256)]
    [InlineData(0.0, 0.0)]
    public void RoundsToTheNearestEvenBFloat16(double value, double expected)
    {
        double rounded = StorageFormat.Round(value, Tensors.DataType.BFloat16);
        Assert.Equal(expected, rounded);
        byte[] bytes = new byte[2];
        StorageFormat.Encode([value], Tensors.DataType.BFloat16, bytes);
        Assert.Equal(rounded, StorageFormat.Decode(bytes, Tensors.DataType.BFloat16)[0]);
    }

    private void Check(Fault fault)
    {
        // x and y have the same size, so that y can be asked to take x's place.
        Problem problem = ProblemParser.Parse("conv_fwd n1 h5 w5 c7 k7 r3 s3 stride1 pad1 f32");
        Kernel kernel = new FaultyKernel(KernelCheck.Accepting(_backend, problem).Single(), fault);
        KernelCheck.Check(_backend, kernel, problem, new Oracle(_backend));
    }
}
