namespace CudnnResNet.Cuda;

/// <summary>What a CUDA backend is made for.</summary>
public sealed record CudaOptions
{
    /// <summary>The device's number, as the driver counts.</summary>
    public int Ordinal { get; init; }

    /// <summary>Float32 products may round their factors to TF32 (10 bits of mantissa), which tensor cores need.</summary>
    public bool AllowTf32 { get; init; }

    /// <summary>Leave out engines that cuDNN notes as not deterministic.</summary>
    public bool IsDeterministic { get; init; }

    /// <summary>Replay whole plans as CUDA graphs.</summary>
    public bool RecordsGraphs { get; init; } = true;

    /// <summary>Training steps, and batches that are served, that the device may have before it while the host goes on.</summary>
    public int RunsUnderWay { get; init; } = 2;

    /// <summary>Mark what the host does for NVIDIA's profilers (NVTX), where their library is.</summary>
    public bool MarksRanges { get; init; }

    /// <summary>Hears once of what makes a run much slower than it could be.</summary>
    public Action<string>? Warn { get; init; }

    /// <summary>Decode JPEG files by nvJPEG, where it is there; for comparisons with the host's decoder.</summary>
    public bool DecodesFiles { get; init; } = true;

    /// <summary>Scale training's images by NPP, or not; null takes what measures faster. For comparisons.</summary>
    public bool? ScalesByNpp { get; init; }

    /// <summary>Where chosen engines are kept; null keeps none.</summary>
    public string? EngineCacheFolder { get; init; }

    /// <summary>Engines that want more workspace are refused.</summary>
    public long WorkspaceLimitBytes { get; init; } = 1L << 30;
}
