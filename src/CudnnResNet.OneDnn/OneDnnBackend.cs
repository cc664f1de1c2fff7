using System.Collections.Immutable;
using System.Runtime.InteropServices;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.OneDnn.Kernels;
using CudnnResNet.OneDnn.Native;
using CudnnResNet.OneDnn.Primitives;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn;

/// <summary>
/// The CPU through oneDNN 2 or 3: convolutions and linear layers are its primitives or kernels of this project's own
/// native library, everything else is vectorised managed code, all on the same OpenMP threads. All runs of one backend should come from one thread: GNU OpenMP keeps a pool for
/// each thread that opens parallel regions.
/// </summary>
public sealed unsafe class OneDnnBackend : IBackend
{
    private readonly PrimitiveFactory _primitives;
    private readonly AllocationLedger _ledger = new();
    private readonly CpuFeatures _ownFeatures;

    /// <param name="threads">Threads of every kernel; results are reproducible for a given count.</param>
    /// <exception cref="ResNetException">oneDNN is not available here; the message is the probe's.</exception>
    public OneDnnBackend(int threads)
        : this(threads, CpuFeatures.None)
    {
    }

    /// <param name="threads">As above.</param>
    /// <param name="emulated">Instruction sets that own kernels may use though the processor lacks them.</param>
    internal OneDnnBackend(int threads, CpuFeatures emulated)
    {
        if (threads < 1)
            throw new ResNetException($"{threads} threads cannot compute anything; give at least 1.");
        OneDnnProbe probe = Probe();
        if (probe.Refusal is { } refusal)
            throw new ResNetException(refusal);
        Threads = threads;
        Team = new ThreadTeam(threads);
        CpuKernelsProbe own = CpuKernelsProbe.Run();
        _primitives = new PrimitiveFactory(Team);
        Identity = $"onednn {probe.Version} {probe.InstructionSet}, {CpuDescription.Model()}, {threads} threads, "
            + (own.IsAvailable ? $"own kernels {own.Version} {string.Join(' ', own.InstructionSets)}" : "no own kernels");
        _ownFeatures = own.Features;
        CacheBytes = CpuDescription.LastCacheBytes();
        Kernels = KernelCatalog.Create(_primitives, Team, own.Features | emulated);
    }

    public string Name => "onednn";

    public string Identity { get; }

    public int Threads { get; }

    public ImmutableArray<Kernel> Kernels { get; }

    public long CacheBytes { get; }

    /// <summary>In steps of ResNet-50 at batch 1 on Zen 4, small kernels took 7 to 10 µs more than alone.</summary>
    public double GapMicroseconds => 8;

    public long Interruptions
    {
        get
        {
            Libc.ResourceUsage usage;
            return Libc.getrusage(Libc.RUSAGE_SELF, &usage) == 0 ? usage.ru_nivcsw : 0;
        }
    }

    /// <summary>Bytes of all arenas that are alive.</summary>
    public long AllocatedBytes => _ledger.CurrentBytes;

    /// <summary>The largest <see cref="AllocatedBytes"/> so far.</summary>
    public long PeakAllocatedBytes => _ledger.PeakBytes;

    internal ThreadTeam Team { get; }

    /// <summary>A folder that is searched for native libraries before the system's; set it before the first probe.</summary>
    public static string? NativePath
    {
        get => NativeLibraryResolver.NativePath;
        set => NativeLibraryResolver.NativePath = value;
    }

    /// <summary>Loads the libraries; every failure is an answer, not an exception.</summary>
    public static OneDnnProbe Probe()
    {
        ImmutableArray<string> tried =
            [.. NativeLibraryResolver.Table.Candidates(NativeLibraryResolver.OneDnn), .. NativeLibraryResolver.Table.Candidates(NativeLibraryResolver.OpenMp)];
        if (!OperatingSystem.IsLinux())
            return Refuse("The oneDNN backend runs on Linux only; use --device reference.");
        foreach (NativeLibraryEntry entry in (ReadOnlySpan<NativeLibraryEntry>)[NativeLibraryResolver.OneDnn, NativeLibraryResolver.OpenMp])
            if (NativeLibraryResolver.Table.TryLoad(entry) is null)
                return Refuse(NativeLibraryResolver.Table.Missing(entry));
        dnnl_version_t* version = Dnnl.dnnl_version();
        string number = $"{version->major}.{version->minor}.{version->patch}";
        if (version->major is not (2 or 3))
            return Refuse($"oneDNN {number} has another ABI than the versions 2 and 3 that are known; install one of these.");
        if (version->cpu_runtime != DnnlConstants.DNNL_RUNTIME_OMP)
            return Refuse($"oneDNN {number} was built for another threading runtime than OpenMP; install the distribution's package.");
        return new OneDnnProbe(null, number, OneDnnVersion.Loaded.InstructionSet, tried) { ComputesBf16 = OneDnnVersion.ComputesBf16 };

        OneDnnProbe Refuse(string reason) => new(reason, null, null, tried);
    }

    public KernelSupport Supports(Precision precision) => precision switch
    {
        Precision.Fp32 => KernelSupport.Yes,
        Precision.Bf16 when OneDnnVersion.ComputesBf16 => KernelSupport.Yes,
        Precision.Bf16 => KernelSupport.No($"oneDNN computes bf16 on AVX-512 only; this processor has {OneDnnVersion.Loaded.InstructionSet}"),
        _ => KernelSupport.No($"oneDNN does not compute {precision.ShortName()}; use the reference backend"),
    };

    public MachinePeaks? MeasurePeaks(Precision precision)
    {
        // Beside AMX, which the probe does not measure, the vector units are no limit.
        if (!_ownFeatures.HasFlag(CpuFeatures.Avx2)
            || precision == Precision.Bf16 && _ownFeatures.HasFlag(CpuFeatures.AmxBf16))
            return null;
        const int CachesRead = 8;
        using NativeArena memory = new(CachesRead * CacheBytes, new AllocationLedger());
        Region all = new(0, memory.Bytes);
        // Pages that were never written all are the one page of zeros, which lies in the first cache.
        NativeMemory.Fill(memory.Address(all), (nuint)memory.Bytes, 1);
        return new MachinePeaks(
            CpuLibrary.crn_peak_operations(Threads, _ownFeatures, precision == Precision.Bf16 ? 1 : 0),
            CpuLibrary.crn_peak_bandwidth(Threads, memory.Address(all), memory.Bytes));
    }

    public Arena Allocate(long bytes) => new NativeArena(bytes, _ledger);

    public void Synchronize() => _primitives.Wait();

    public void Dispose() => _primitives.Dispose();
}
