using System.Collections.Immutable;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda;

/// <summary>A GPU as the driver and NVML describe it.</summary>
/// <param name="Ordinal">The number in <c>cuda:N</c>.</param>
/// <param name="Name">The product's name.</param>
/// <param name="Architecture">Compute capability without the dot: 90 for 9.0.</param>
/// <param name="MemoryBytes">Of the whole device.</param>
public sealed record CudaDeviceDescription(int Ordinal, string Name, int Architecture, long MemoryBytes)
{
    /// <summary>Now, as NVML has it; null where that is not known.</summary>
    public CudaDeviceState? State { get; init; }

    /// <summary>What the device computes in.</summary>
    public ImmutableArray<Precision> Precisions => Architecture >= 80
        ? [Precision.Fp32, Precision.Tf32, Precision.Bf16, Precision.Fp16]
        : [Precision.Fp32, Precision.Fp16];

    /// <summary>The libraries compute on the CPU: native/simgpu.</summary>
    public bool IsSimulated => Name.StartsWith("simulated", StringComparison.Ordinal);
}

/// <summary>A GPU at the moment of asking.</summary>
/// <param name="ClockMegahertz">Of the multiprocessors.</param>
/// <param name="FastestClockMegahertz">The highest that they may have.</param>
/// <param name="FreeBytes">Memory that nobody holds.</param>
public sealed record CudaDeviceState(int ClockMegahertz, int FastestClockMegahertz, long FreeBytes);

/// <summary>Versions of the libraries that the backend loaded.</summary>
/// <param name="Driver">What the driver supports, as CUDA writes it: 12.6.</param>
/// <param name="Cudnn">For example 9.6.0.</param>
/// <param name="Nvrtc">For example 12.6.</param>
/// <param name="CublasLt">For example 12.6.4.</param>
public sealed record CudaVersions(string Driver, string Cudnn, string Nvrtc, string CublasLt);

/// <summary>A library that the backend does without where it is missing.</summary>
/// <param name="Name">As its maker writes it.</param>
/// <param name="Use">What it is loaded for.</param>
/// <param name="Version">For example 12.3.3; null where it is not there, or does not say.</param>
/// <param name="Refusal">Why it is not there, and what to do about it; null where it is.</param>
public sealed record CudaOptionalLibrary(string Name, string Use, string? Version, string? Refusal);

/// <summary>Whether a CUDA device can be used here, or the reason why not and what to do about it.</summary>
/// <param name="Refusal">Null where at least one device can be used; otherwise one line with reason and remedy.</param>
/// <param name="Devices">What the driver lists; may be filled although a library is missing.</param>
/// <param name="Versions">Null where a library is missing.</param>
/// <param name="Tried">The library names and paths tried, in order.</param>
public sealed record CudaProbe(string? Refusal, ImmutableArray<CudaDeviceDescription> Devices, CudaVersions? Versions,
    ImmutableArray<string> Tried)
{
    internal const string NvJpeg = "nvJPEG";

    public bool IsAvailable => Refusal is null;

    /// <summary>Empty where a library that the backend needs is missing.</summary>
    public ImmutableArray<CudaOptionalLibrary> Optional { get; init; } = [];

    /// <summary>Loads the libraries and asks the driver; every failure is an answer, not an exception.</summary>
    public static CudaProbe Run() => Device.DeviceProbe.Run();

    /// <summary>A folder that is searched for NVIDIA's libraries before all others; set it before the first probe.</summary>
    public static string? NativePath
    {
        get => Interop.CudaLibraries.NativePath;
        set => Interop.CudaLibraries.NativePath = value;
    }
}
