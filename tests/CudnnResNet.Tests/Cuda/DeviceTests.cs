using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Kernels;

namespace CudnnResNet.Tests.Cuda;

/// <summary>Memory, copies, recording and contexts, on the driver alone.</summary>
[Collection("simulated GPU")]
public sealed class DeviceTests : IDisposable
{
    private readonly CudaDevice? _device = DeviceUnderTest.Probe.Devices.IsEmpty ? null : CudaDevice.Open(0);
    private readonly PinnedStaging? _staging;

    public DeviceTests() => _staging = _device is null ? null : new PinnedStaging(_device);

    private CudaDevice Device => _device!;

    public void Dispose()
    {
        _staging?.Dispose();
        _device?.Dispose();
    }

    /// <summary>More than all staging slots hold, and no multiple of one.</summary>
    [DriverFact]
    public void CopiesOfAnySizeComeBack()
    {
        const int Bytes = (21 << 20) + 13;
        using Arena arena = Allocate(Bytes + 128);
        byte[] sent = new byte[Bytes], received = new byte[Bytes];
        new Random(1).NextBytes(sent);
        arena.Write(new Region(64, Bytes), sent);
        arena.Read(new Region(64, Bytes), received);
        Assert.Equal(sent, received);
        byte[] before = new byte[64];
        arena.Read(new Region(0, 64), before);
        Assert.All(before, b => Assert.Equal(0, b));
    }

    [DriverFact]
    public void TooMuchMemoryIsAnErrorThatSaysWhatIsFree()
    {
        ResNetException error = Assert.ThrowsAny<ResNetException>(() => Allocate(1L << 50));
        Assert.Matches(@"^The device cannot provide 1125899907 MB of memory: \d+ MB of \d+ MB are free; use a smaller batch", error.Message);
        using Arena arena = Allocate(64);
    }

    [DriverFact]
    public void ADisposedArenaAndAForeignRegionAreRefused()
    {
        Arena arena = Allocate(100);
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.Read(new Region(64, 64), new byte[64]));
        Assert.Throws<ArgumentException>(() => arena.Read(new Region(0, 64), new byte[32]));
        arena.Dispose();
        arena.Dispose();
        Assert.Throws<ObjectDisposedException>(() => arena.Read(new Region(0, 64), new byte[64]));
    }

    /// <summary>A recording does what its kernels do, as often as it is replayed, on what is in memory then.</summary>
    [DriverFact]
    public void ARecordingRepeatsItsKernels()
    {
        using CudaArena arena = Allocate(192);
        using DeviceCopy first = new(Device, arena, 0, 64), second = new(Device, arena, 64, 128);
        using RecordedRun recording = RecordedRun.Record(Device, [first, second]);
        foreach (byte value in (byte[])[3, 9])
        {
            arena.Write(new Region(0, 64), [.. Enumerable.Repeat(value, 64)]);
            recording.Run();
            byte[] received = new byte[64];
            arena.Read(new Region(128, 64), received);
            Assert.All(received, b => Assert.Equal(value, b));
        }
    }

    /// <summary>A kernel that fails while it is recorded leaves the stream usable.</summary>
    [DriverFact]
    public void AFailedRecordingLeavesTheStreamAsItWas()
    {
        using CudaArena arena = Allocate(192);
        using DeviceCopy copy = new(Device, arena, 0, 64);
        using Failing failing = new(Device);
        Assert.Throws<InvalidOperationException>(() => RecordedRun.Record(Device, [copy, failing]));
        arena.Write(new Region(0, 64), [.. Enumerable.Repeat((byte)5, 64)]);
        copy.Run();
        byte[] received = new byte[64];
        arena.Read(new Region(64, 64), received);
        Assert.All(received, b => Assert.Equal(5, b));
    }

    [DriverFact]
    public void EventsMeasureTime()
    {
        using EventTimer timer = new(Device);
        using CudaArena arena = Allocate(128);
        using DeviceCopy copy = new(Device, arena, 0, 64);
        Assert.InRange(timer.Time(copy), 0, 10e6);
    }

    /// <summary>What the thread had is current again after every call, also where calls nest.</summary>
    [DriverFact]
    public void TheCallersContextStaysCurrent()
    {
        using (ContextScope outer = Device.Enter())
        {
            using (ContextScope inner = Device.Enter())
                Assert.Equal(CUresult.CUDA_SUCCESS, CudaDriver.cuCtxGetDevice(out _));
            Assert.Equal(CUresult.CUDA_SUCCESS, CudaDriver.cuCtxGetDevice(out _));
        }
        Assert.Equal(CUresult.CUDA_ERROR_INVALID_CONTEXT, CudaDriver.cuCtxGetDevice(out _));
    }

    private CudaArena Allocate(long bytes) => new(bytes, Device, _staging!);

    private sealed class Failing(CudaDevice device) : LoadedKernel
    {
        public override void Run() => throw new InvalidOperationException($"on {device.Architecture}");
    }
}
