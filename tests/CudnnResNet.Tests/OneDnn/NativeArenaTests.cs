using CudnnResNet.Kernels;
using CudnnResNet.OneDnn;

namespace CudnnResNet.Tests.OneDnn;

public sealed unsafe class NativeArenaTests
{
    [OneDnnFact]
    public void HoldsMoreThanTwoGigabytesOfZeros()
    {
        using OneDnnBackend backend = new(1);
        const long Bytes = (3L << 30) + 64;
        using Arena arena = backend.Allocate(Bytes);
        byte[] last = new byte[64];
        Array.Fill(last, (byte)1);
        arena.Read(new Region(Bytes - 64, 64), last);
        Assert.All(last, b => Assert.Equal(0, b));
        Array.Fill(last, (byte)7);
        arena.Write(new Region(Bytes - 64, 64), last);
        byte[] read = new byte[64];
        arena.Read(new Region(Bytes - 64, 64), read);
        Assert.Equal(last, read);
    }

    [OneDnnTheory]
    [InlineData(1)]
    [InlineData(5000)]
    [InlineData(4 << 20)]
    public void BeginsOnAPage(long bytes)
    {
        using OneDnnBackend backend = new(1);
        using NativeArena arena = Assert.IsType<NativeArena>(backend.Allocate(bytes));
        Assert.Equal(0, (nint)arena.Address(new Region(0, bytes)) % 4096);
    }

    [OneDnnFact]
    public void TheBackendCountsWhatItHandsOut()
    {
        using OneDnnBackend backend = new(1);
        Arena first = backend.Allocate(1000);
        Arena second = backend.Allocate(500);
        first.Dispose();
        first.Dispose();
        Assert.Equal(500, backend.AllocatedBytes);
        second.Dispose();
        Assert.Equal(0, backend.AllocatedBytes);
        Assert.Equal(1500, backend.PeakAllocatedBytes);
    }

    [OneDnnFact]
    public void TooMuchIsAnErrorThatSaysSo()
    {
        using OneDnnBackend backend = new(1);
        ResNetException error = Assert.Throws<ResNetException>(() => backend.Allocate(1L << 60));
        Assert.Equal("This machine cannot provide 1152921504607 MB of memory; use a smaller batch or image.", error.Message);
        Assert.Equal(0, backend.AllocatedBytes);
    }

    [OneDnnFact]
    public void ADisposedArenaAndAForeignRegionAreRefused()
    {
        using OneDnnBackend backend = new(1);
        NativeArena arena = Assert.IsType<NativeArena>(backend.Allocate(100));
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.Read(new Region(64, 64), new byte[64]));
        Assert.Throws<ArgumentException>(() => arena.Read(new Region(0, 64), new byte[32]));
        arena.Dispose();
        Assert.Throws<ObjectDisposedException>(() => arena.Read(new Region(0, 64), new byte[64]));
    }
}
