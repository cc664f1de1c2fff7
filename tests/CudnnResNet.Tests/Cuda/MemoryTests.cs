using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using CudnnResNet.Tests.Cli;

namespace CudnnResNet.Tests.Cuda;

/// <summary>A device that is too small: the batch that fits is found beforehand, or named in the error.</summary>
[Collection("simulated GPU")]
public sealed partial class MemoryTests : IDisposable
{
    private const string Bytes = "200000000";

    private static readonly string[] Bench = ["bench", "infer", "--model", "resnet18", "--width", "8", "--classes", "10", "--image-size", "32",
        "--device", "cuda", "--deterministic", "--plan-cache", "none", "--seconds", "0", "--warmup", "0", "--json"];

    public MemoryTests()
    {
        if (Simulator.Folder is not null)
            Simulator.Script($"reset; memory {Bytes}");
    }

    public void Dispose()
    {
        if (Simulator.Folder is not null)
            Simulator.Script("reset");
    }

    [SimulatorFact]
    public void TheErrorNamesTheBatchThatAutoFinds()
    {
        string error = CliRun.Refusal([.. Bench, "--batch", "60000"]);
        Match match = Advice().Match(error);
        Assert.True(match.Success, error);
        Assert.True(double.Parse(match.Groups["asked"].Value, CultureInfo.InvariantCulture)
            > double.Parse(match.Groups["free"].Value, CultureInfo.InvariantCulture));
        using JsonDocument report = JsonDocument.Parse(CliRun.Success([.. Bench, "--batch", "auto"]));
        int batch = report.RootElement.GetProperty("batch").GetInt32();
        Assert.Equal(match.Groups["batch"].Value, batch.ToString(CultureInfo.InvariantCulture));
        Assert.InRange(batch, 8, 59999);
        Assert.InRange(report.RootElement.GetProperty("peakBytes").GetInt64(), 1, 200_000_000);
    }

    [Fact]
    public void WithoutADeviceAutoIsRefused() => Assert.Contains("give --batch a number",
        CliRun.Refusal(["bench", "infer", "--model", "resnet18", "--batch", "auto", .. CliRun.OnReference]), StringComparison.Ordinal);

    [GeneratedRegex(@"The plan of batch 60000 takes (?<asked>\d+) MB, and the device has (?<free>\d+) MB free: the largest batch that fits is (?<batch>\d+) \(--batch auto")]
    private static partial Regex Advice();
}
