using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.OneDnn.Native;

namespace CudnnResNet.OneDnn;

/// <summary>
/// Whether this project's own CPU kernels (native/cpu) can be used beside oneDNN's: their version and the instruction
/// sets they may use, or the reason why not and what to do about it. They are optional.
/// </summary>
/// <param name="Refusal">Null where they are available; otherwise one line with reason and remedy.</param>
/// <param name="Version">Version and checksum of the sources, for example <c>1-3141592653</c>.</param>
/// <param name="InstructionSets">For example <c>avx2</c>, <c>avx512</c>, <c>avx512_bf16</c>, <c>amx_bf16</c>.</param>
/// <param name="Tried">The paths tried, in order.</param>
public sealed record CpuKernelsProbe(
    string? Refusal, string? Version, ImmutableArray<string> InstructionSets, ImmutableArray<string> Tried)
{
    private const string InterfaceVersion = "1-";

    public bool IsAvailable => Refusal is null;

    /// <summary>What the kernels may use; none where there are none.</summary>
    internal CpuFeatures Features { get; private init; }

    /// <summary>Loads the library; every failure is an answer, not an exception.</summary>
    public static unsafe CpuKernelsProbe Run()
    {
        ImmutableArray<string> tried = NativeLibraryResolver.Table.Candidates(NativeLibraryResolver.Cpu);
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return Refuse("own CPU kernels are for x86-64 Linux");
        if (NativeLibraryResolver.Table.TryLoad(NativeLibraryResolver.Cpu) is null)
            return Refuse($"own CPU kernels not found in {string.Join(", ", tried)}; apt-get install g++ cmake, then run ./resnet setup");
        string version = Marshal.PtrToStringUTF8((nint)CpuLibrary.crn_version())!;
        if (!version.StartsWith(InterfaceVersion, StringComparison.Ordinal))
            return Refuse($"own CPU kernels {version} are of another version than {InterfaceVersion}*; run ./resnet setup");
        CpuFeatures features = Allowed(CpuLibrary.crn_features());
        return new CpuKernelsProbe(null, version, Names(features), tried) { Features = features };

        CpuKernelsProbe Refuse(string reason) => new(reason, null, [], tried);
    }

    /// <summary>What .NET was told not to use (DOTNET_EnableAVX512=0, DOTNET_EnableAVX2=0), these kernels do not use either.</summary>
    private static CpuFeatures Allowed(CpuFeatures features) =>
        !Avx2.IsSupported ? CpuFeatures.None
        : !Avx512F.IsSupported ? features & CpuFeatures.Avx2
        : features;

    private static ImmutableArray<string> Names(CpuFeatures features)
    {
        ImmutableArray<string>.Builder names = ImmutableArray.CreateBuilder<string>();
        foreach ((CpuFeatures feature, string name) in (ReadOnlySpan<(CpuFeatures, string)>)[
            (CpuFeatures.Avx2, "avx2"), (CpuFeatures.Avx512, "avx512"),
            (CpuFeatures.Avx512Bf16, "avx512_bf16"), (CpuFeatures.AmxBf16, "amx_bf16")])
            if (features.HasFlag(feature))
                names.Add(name);
        return names.ToImmutable();
    }
}
