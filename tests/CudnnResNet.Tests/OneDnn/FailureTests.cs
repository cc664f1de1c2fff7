using CudnnResNet.Kernels;
using CudnnResNet.OneDnn;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.OneDnn.Kernels;
using CudnnResNet.OneDnn.Primitives;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.OneDnn;

/// <summary>Every failure says what failed and what to do.</summary>
public sealed class FailureTests
{
    [OneDnnFact]
    public void AFailedCallIsQuoted()
    {
        using OneDnnBackend backend = new(1);
        DnnlException error = Assert.Throws<DnnlException>(() => Formats.Vector(-1, DataType.Float32));
        Assert.Equal(dnnl_status_t.dnnl_invalid_arguments, error.Status);
        Assert.IsAssignableFrom<ResNetException>(error);
        Assert.Matches(@"^oneDNN: Dnnl\d\.dnnl_memory_desc_\w+_tag\(.*dims\.Length, first, ", error.Message);
        Assert.EndsWith("returned dnnl_invalid_arguments: the arguments contradict each other, a defect of the caller",
            error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AMissingLibraryIsAnAnswer()
    {
        NativeLibraryEntry entry = new("missing", ["libmissing.so.7", "libmissing.so.6"], "libmissing7");
        Assert.Null(NativeLibraryResolver.Table.TryLoad(entry));
        Assert.Equal("libmissing.so.7 libmissing.so.6", string.Join(' ', NativeLibraryResolver.Table.Candidates(entry)));
    }

    [Fact]
    public void ANativePathMustBeAFolder()
    {
        ResNetException error = Assert.Throws<ResNetException>(() => OneDnnBackend.NativePath = "/no/such/folder");
        Assert.Equal("The native path '/no/such/folder' is not a folder; give the folder that holds libdnnl.so.", error.Message);
        Assert.Null(OneDnnBackend.NativePath);
    }

    [OneDnnFact]
    public void TheProbeNamesVersionAndInstructionSet()
    {
        OneDnnProbe probe = OneDnnBackend.Probe();
        Assert.True(probe.IsAvailable);
        Assert.Matches(@"^[23]\.\d+\.\d+$", probe.Version);
        Assert.False(string.IsNullOrEmpty(probe.InstructionSet));
        Assert.Contains("libdnnl.so.2", probe.Tried);
    }

    [OneDnnFact]
    public void DoublePrecisionIsRefusedWithAReason()
    {
        using OneDnnBackend backend = new(1);
        Assert.Equal("oneDNN does not compute fp64; use the reference backend", backend.Supports(Precision.Fp64).Refusal);
        foreach (Kernel kernel in backend.Kernels)
            Assert.False(kernel.Check(ProblemParser.Parse("relu n1 h4 w4 c8 f64")).IsSupported);
    }

    [Fact]
    public void NoThreadsAreRefused() => Assert.Throws<ResNetException>(() => new OneDnnBackend(0));

    [OneDnnFact]
    public void AnExceptionInAWorkerReachesTheCaller()
    {
        using OneDnnBackend backend = new(2);
        using Failing kernel = new(backend.Team);
        for (int run = 0; run < 3; run++)
        {
            InvalidOperationException error = Assert.Throws<InvalidOperationException>(kernel.Run);
            Assert.Equal("Failing failed: slice 1", error.Message);
        }
    }

    private sealed class Failing(ThreadTeam team) : SlicedKernel(team)
    {
        protected override long TrafficBytes(int phase) => long.MaxValue;

        protected override void RunSlice(int phase, int slice)
        {
            if (slice == 1)
                throw new ArithmeticException("slice 1");
        }
    }
}
