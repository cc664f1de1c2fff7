using System.Globalization;
using System.Runtime.InteropServices;

namespace CudnnResNet.OneDnn;

/// <summary>What Linux says about the processor.</summary>
internal static class CpuDescription
{
    private const long TypicalCacheBytes = 32L << 20;

    internal static string Model()
    {
        const string Key = "model name";
        if (File.Exists("/proc/cpuinfo"))
            foreach (string line in File.ReadLines("/proc/cpuinfo"))
                if (line.StartsWith(Key, StringComparison.Ordinal))
                    return line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        return RuntimeInformation.ProcessArchitecture.ToString();
    }

    /// <summary>The size of the last cache of the first core.</summary>
    internal static long LastCacheBytes()
    {
        long largest = 0;
        for (int index = 0; ; index++)
        {
            string path = $"/sys/devices/system/cpu/cpu0/cache/index{index}/size";
            if (!File.Exists(path))
                return largest > 0 ? largest : TypicalCacheBytes;
            string text = File.ReadAllText(path).Trim();
            long unit = text.EndsWith('K') ? 1L << 10 : text.EndsWith('M') ? 1L << 20 : 1;
            if (long.TryParse(text.TrimEnd('K', 'M'), CultureInfo.InvariantCulture, out long size))
                largest = Math.Max(largest, size * unit);
        }
    }
}
