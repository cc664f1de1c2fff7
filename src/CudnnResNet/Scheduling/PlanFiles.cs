using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace CudnnResNet.Scheduling;

/// <summary>
/// Whole plans on disk beside the measured times: a second start takes its plan and asks the catalog for nothing else.
/// One file for each backend identity, graph and memory limit; whatever cannot be read or does not check out is no plan.
/// </summary>
public sealed class PlanFiles(string folder, string identity)
{
    private const string Format = "cudnnresnet-plan 2";

    /// <summary>The plan of a graph; null where none is kept.</summary>
    /// <param name="graph">See <see cref="PlanRecord.FingerprintOf"/>.</param>
    /// <param name="memoryLimitBytes">That it was made for.</param>
    public PlanRecord? Find(string graph, long? memoryLimitBytes) =>
        CheckedText.Read(PathOf(graph, memoryLimitBytes), Format) is { } text
        && PlanRecord.Parse(text) is { } record && record.Graph == graph ? record : null;

    /// <summary>A folder that cannot be written costs a new choice next time, nothing else.</summary>
    public void Keep(PlanRecord record, long? memoryLimitBytes) =>
        _ = CheckedText.TryWrite(PathOf(record.Graph, memoryLimitBytes), Format, record.ToText());

    private string PathOf(string graph, long? memoryLimitBytes)
    {
        string key = string.Create(CultureInfo.InvariantCulture, $"{identity}\n{graph}\n{memoryLimitBytes}");
        return Path.Combine(folder, $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..32]}.plan");
    }
}
