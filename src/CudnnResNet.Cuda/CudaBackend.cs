using System.Collections.Immutable;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Cuda.Kernels;
using CudnnResNet.Cuda.Kernels.Input;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda;

/// <summary>
/// An NVIDIA GPU: convolutions by cuDNN's engines, matrix products by cuBLASLt, everything else by own kernels that
/// NVRTC compiles for the device. All work goes to one stream, and the inputs of runs that are submitted ahead to a second one beside
/// it. A backend belongs to one thread at a time.
/// </summary>
public sealed class CudaBackend : IBackend
{
    private readonly CudaOptions _options;
    private readonly CudaDevice _device;
    private readonly PinnedStaging _staging;
    private readonly EventTimer _timer;
    private readonly CudaSession _session;
    private readonly ResizeChoice _resize;
    private readonly Ranges _ranges;

    /// <exception cref="ResNetException">CUDA is not available here, or there is no such device; the message is the probe's.</exception>
    public CudaBackend(CudaOptions options) : this(options, RequireDevice(options.Ordinal), CudaDevice.Open) { }

    private CudaBackend(CudaOptions options, CudaProbe probe, Func<int, CudaDevice> open)
    {
        _options = options;
        CudaVersions versions = probe.Versions!;
        if (options.RunsUnderWay < 1)
            throw new ResNetException($"{options.RunsUnderWay} steps under way have no meaning; give 1 or more.");
        _device = open(options.Ordinal);
        _ranges = new Ranges(options.MarksRanges);
        Identity = $"cuda {probe.Devices[_device.Ordinal].Name} sm_{_device.Architecture}, driver {versions.Driver}, "
            + $"cuDNN {versions.Cudnn}, cuBLASLt {versions.CublasLt}, NVRTC {versions.Nvrtc}"
            + (options.DecodesFiles && probe.Optional.FirstOrDefault(library => library.Name == CudaProbe.NvJpeg) is { Refusal: null } decoder
                ? $", {decoder.Name} {decoder.Version}" : "")
            + (options.AllowTf32 ? ", TF32" : "") + (options.IsDeterministic ? ", deterministic engines" : "");
        try
        {
            using ContextScope scope = _device.Enter();
            _staging = new PinnedStaging(_device);
            _timer = new EventTimer(_device);
            _session = new CudaSession(_device, options, Identity);
            _resize = new ResizeChoice(_session, _staging);
        }
        catch
        {
            Dispose();
            throw;
        }
        Kernels = KernelCatalog.Create(_session);
    }

    public string Name => "cuda";

    public string Identity { get; }

    /// <summary>Of the host; the device has its own.</summary>
    public int Threads => 1;

    public ImmutableArray<Kernel> Kernels { get; }

    public int RunsUnderWay => _options.RunsUnderWay;

    public bool PrefersGroupedUpdates => true;

    public bool PrefersRecomputedMasks => true;

    public long? FreeBytes
    {
        get
        {
            _device.TrimPool();
            return _device.Memory().FreeBytes;
        }
    }

    public long CacheBytes => _device.CacheBytes;

    /// <summary>Why the last recording failed and plans are run kernel by kernel; null where none failed.</summary>
    public string? RecordingRefusal { get; private set; }

    /// <summary>What engines refused after they had been offered, and which call said so.</summary>
    public IReadOnlyList<string> EngineRefusals => _session.Refusals;

    /// <summary>A backend on a host's context and stream (CUcontext and CUstream of the driver), which the host keeps.</summary>
    /// <param name="context">The context that all work is done in; need not be current, and is current only during calls.</param>
    /// <param name="stream">The stream that all work goes to.</param>
    /// <param name="options">Its ordinal is not used: the context says which device.</param>
    public static CudaBackend OnContext(nint context, nint stream, CudaOptions options) => new(options,
        RequireDevice(ordinal: 0), _ => CudaDevice.Share(new CUcontext(context), new CUstream(stream)));

    /// <summary>
    /// A region of an arena of this backend that stands for device memory of a host, which the host keeps: kernels read and
    /// write it in place. To be given to a session as the place of its images or logits.
    /// </summary>
    /// <param name="arena">Of this backend.</param>
    /// <param name="devicePointer">CUdeviceptr of the driver, in this backend's context; a multiple of 256.</param>
    /// <param name="bytes">The length of the memory.</param>
    public static Region Attach(Arena arena, nint devicePointer, long bytes)
    {
        const nint Alignment = 256;
        if (arena is not CudaArena onDevice)
            throw new ArgumentException("The arena is not one of a CUDA backend.", nameof(arena));
        if (devicePointer == 0 || devicePointer % Alignment != 0)
            throw new ResNetException($"The device pointer 0x{devicePointer:x} is no multiple of {Alignment}; memory from cuMemAlloc is.");
        return onDevice.Attach(new CUdeviceptr((ulong)devicePointer), bytes);
    }

    public KernelSupport Supports(Precision precision) => precision switch
    {
        Precision.Fp32 when _options.AllowTf32 => KernelSupport.No("this backend was made for tf32, which rounds the factors of products"),
        Precision.Fp32 or Precision.Fp16 => KernelSupport.Yes,
        Precision.Tf32 when !_options.AllowTf32 => KernelSupport.No("this backend was made without tf32; set AllowTf32"),
        Precision.Tf32 or Precision.Bf16 when _device.Architecture >= 80 => KernelSupport.Yes,
        Precision.Tf32 or Precision.Bf16 => KernelSupport.No($"{precision.ShortName()} needs compute capability 8.0; this device has {_device.Architecture / 10}.{_device.Architecture % 10}"),
        _ => KernelSupport.No($"the CUDA backend does not compute {precision.ShortName()}; use the reference backend"),
    };

    public Arena Allocate(long bytes) => new CudaArena(bytes, _device, _staging);

    public RunQueue CreateQueue(Arena arena, int slots, ReadOnlySpan<Region> inputs, ReadOnlySpan<Region> results) =>
        new CudaRunQueue(_device, (CudaArena)arena, slots, inputs, results, _ranges);

    public ByteInput? CreateByteInput(Arena arena, Region images, TensorShape shape, DataType type,
        ReadOnlySpan<float> scale, ReadOnlySpan<float> shift, RunQueue? queue) =>
        new NormalizedInput(_session, _staging, (CudaArena)arena, images, shape, type, scale, shift, (CudaRunQueue?)queue, _resize);

    public string? ImageScaling(string? earlier) => _resize.Name(earlier);

    public void Synchronize() => _device.Synchronize();

    public double Time(LoadedKernel kernel) => _timer.Time(kernel);

    public LoadedKernel? Record(ReadOnlySpan<LoadedKernel> kernels)
    {
        if (!_options.RecordsGraphs)
            return null;
        try
        {
            RecordedRun recorded = RecordedRun.Record(_device, kernels);
            foreach (LoadedKernel kernel in kernels)
                (kernel as IKeepsEngine)?.KeepEngine();
            return recorded;
        }
        catch (Exception error) when (error is CudaLibraryException or KernelRefusedException)
        {
            RecordingRefusal = error.Message;
            return null;
        }
    }

    /// <summary>Releases everything, also behind a lost context; throws nothing, so that the error that led here stays.</summary>
    public void Dispose()
    {
        using (ContextScope scope = _device.EnterForRelease())
        {
            _device.Drain();
            _session?.Dispose();
            _timer?.Dispose();
            _staging?.Dispose();
        }
        _device.Dispose();
    }

    private static CudaProbe RequireDevice(int ordinal)
    {
        CudaProbe probe = CudaProbe.Run();
        if (probe.Refusal is { } refusal)
            throw new ResNetException(refusal);
        if (ordinal < 0 || ordinal >= probe.Devices.Length)
            throw new ResNetException($"There is no device cuda:{ordinal}; the driver lists {probe.Devices.Length}: "
                + string.Join(", ", probe.Devices.Select(device => $"cuda:{device.Ordinal} {device.Name}")) + ".");
        return probe;
    }
}
