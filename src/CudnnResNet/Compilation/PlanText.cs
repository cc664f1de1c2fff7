using System.Security.Cryptography;
using System.Text;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Compilation;

/// <summary>A short name for a whole plan: equal exactly when segments, kernels and their order are.</summary>
public static class PlanText
{
    public static string Fingerprint(ScheduledGraph schedule)
    {
        StringBuilder text = new();
        foreach (Segment segment in schedule.Segments)
            text.Append(segment.Kernel.Name).Append('\t').Append(segment.Problem.Line).Append('\n');
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..32];
    }
}
