using CudnnResNet.Cli;
using CudnnResNet.Cli.Progress;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Cli;

public class ProgressTests
{
    [Fact]
    public void TheSparklineRisesWithTheValues()
    {
        Assert.Equal("▁▃▅█", Sparkline.Draw([0, 2, 4, 7]));
        Assert.Equal("▁▁", Sparkline.Draw([3, 3]));
        Assert.Equal("", Sparkline.Draw([]));
    }

    /// <summary>The curve keeps the latest losses in order, as means over equal stretches, however many were dropped.</summary>
    [Fact]
    public void TheCurveShowsTheLatestLosses()
    {
        RunProgress progress = new();
        for (int step = 1; step <= 700; step++)
            progress.Add(new StepRecord(step, 1, step, 0.1, 100, 0.5));
        // Steps 189 to 700 are kept: four stretches of 128.
        Assert.Equal([252.5, 380.5, 508.5, 636.5], progress.LossCurve(4));
        Assert.Equal(700, progress.Steps);
    }

    [Theory]
    [InlineData(0, "0:00")]
    [InlineData(83, "1:23")]
    [InlineData(3723, "1:02:03")]
    public void DurationsReadLikeAClock(double seconds, string expected) =>
        Assert.Equal(expected, Durations.Format(TimeSpan.FromSeconds(seconds)));

    /// <summary>In a terminal the same run is shown as a panel.</summary>
    [Fact]
    public void ATerminalGetsAPanel()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 8, classes: 2);
        using StringWriter output = new();
        int exitCode = CommandLine.Run(["train", "--data", $"npy:{folder.Path}", .. SmallData.Network, "--batch", "4", "--epochs", "1",
            "--out", folder.File("out"), .. CliRun.OnReference], new Terminal(output, TextWriter.Null, IsInteractive: true));
        Assert.Equal(0, exitCode);
        Assert.Contains("2 of 2, epoch 1", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("img/s", output.ToString(), StringComparison.Ordinal);
    }
}
