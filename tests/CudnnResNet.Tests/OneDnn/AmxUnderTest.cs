using System.Runtime.InteropServices;
using CudnnResNet.OneDnn;
using CudnnResNet.OneDnn.Native;

namespace CudnnResNet.Tests.OneDnn;

/// <summary>
/// AMX for the kernels under test: the processor's, or, on one without it, a handler that carries out its instructions in
/// software (native/amxtrap). The kernels are the same compiled code in both cases.
/// </summary>
internal static unsafe class AmxUnderTest
{
    private const string Variable = "RESNET_AMXTRAP";

    private static readonly Lazy<string?> Prepared = new(Prepare);

    /// <summary>Why AMX cannot be had; null where it is there.</summary>
    public static string? Refusal => Prepared.Value;

    public static bool IsNative => CpuKernelsProbe.Run().Features.HasFlag(CpuFeatures.AmxBf16);

    /// <summary>The folder that native/amxtrap/build prints; empty where none is named.</summary>
    public static string Folder => Environment.GetEnvironmentVariable(Variable) ?? "";

    public static OneDnnBackend Create(int threads) => new(threads, CpuFeatures.AmxBf16);

    private static string? Prepare()
    {
        if ((OneDnnBackend.Probe().Refusal ?? CpuKernelsProbe.Run().Refusal) is { } refusal)
            return refusal;
        if (!CpuKernelsProbe.Run().Features.HasFlag(CpuFeatures.Avx512Bf16))
            return "Kernels for AMX use AVX-512 with bf16 beside it, which this processor lacks.";
        if (IsNative)
            return null;
        if (Folder.Length == 0)
            return $"This processor has no AMX: set {Variable} to the folder that native/amxtrap/build prints.";
        nint library = NativeLibrary.Load(Path.Combine(Folder, "libamxtrap.so"));
        var install = (delegate* unmanaged<int>)NativeLibrary.GetExport(library, "amxtrap_install");
        return install() == 0 ? null : "The software AMX was not installed.";
    }
}

/// <summary>A fact about kernels for AMX; skipped, and saying why, where they cannot run.</summary>
internal sealed class AmxFactAttribute : FactAttribute
{
    public AmxFactAttribute() => Skip = AmxUnderTest.Refusal;
}

/// <inheritdoc cref="AmxFactAttribute"/>
internal sealed class AmxTheoryAttribute : TheoryAttribute
{
    public AmxTheoryAttribute() => Skip = AmxUnderTest.Refusal;
}
