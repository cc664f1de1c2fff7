using System.Runtime.InteropServices;
using CudnnResNet.Reporting;

namespace CudnnResNet.Cli;

/// <summary>What the operating system says of the machine.</summary>
internal static class Machine
{
    private const string CpuInfo = "/proc/cpuinfo";

    /// <summary>Those that kernels make use of, as Linux spells them.</summary>
    private static readonly string[] KnownSets =
    [
        "sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16",
        "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8", "asimd", "sve", "bf16",
    ];

    public static string Processor => CpuField("model name") ?? $"{RuntimeInformation.ProcessArchitecture}";

    public static IReadOnlyList<string> InstructionSets
    {
        get
        {
            HashSet<string> flags = [.. (CpuField("flags") ?? CpuField("Features") ?? "").Split(' ')];
            return [.. KnownSets.Where(flags.Contains)];
        }
    }

    /// <summary>What this process may use, limits of a container included.</summary>
    public static long MemoryBytes => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>For a reader who wants to know where a number came from.</summary>
    public static IReadOnlyList<NamedValue> Describe() =>
    [
        new("processor", Processor),
        new("cores", $"{Environment.ProcessorCount}"),
        new("instruction sets", string.Join(' ', InstructionSets)),
        new("memory", ByteSizes.Format(MemoryBytes)),
        new("system", RuntimeInformation.OSDescription),
    ];

    private static string? CpuField(string name)
    {
        if (!File.Exists(CpuInfo))
            return null;
        foreach (string line in File.ReadLines(CpuInfo))
            if (line.StartsWith(name, StringComparison.Ordinal) && line.IndexOf(':', StringComparison.Ordinal) is > 0 and int colon)
                return line[(colon + 1)..].Trim();
        return null;
    }
}
