using CudnnResNet.Tests.OneDnn;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Cli;

public class QuickstartCommandTests
{
    /// <summary>One epoch on the bundled images: far better than chance, and everything that was promised is there.</summary>
    [OneDnnFact]
    public void ItLearnsAndLeavesItsResults()
    {
        using TemporaryFolder folder = new();
        string said = CliRun.Success("quickstart", "--epochs", "1", "--out", folder.File("out"),
            "--device", "onednn", "--threads", "1", "--deterministic");
        string line = said.Split('\n').Single(text => text.StartsWith("test accuracy ", StringComparison.Ordinal)).TrimEnd();
        Assert.Matches(@"^test accuracy \d+\.\d %$", line);
        // Ten classes, equally many of each: chance is 10 %.
        Assert.InRange(double.Parse(line.Split(' ')[2]), 50, 100);
        Assert.Contains("./resnet eval --weights", said, StringComparison.Ordinal);

        Assert.Equal(["best.safetensors", "last.safetensors", "memory.svg", "predictions.json", "report.html", "run.json", "run.jsonl"],
            Directory.GetFiles(folder.File("out")).Select(Path.GetFileName).Order());
        Assert.Equal(6000 / 64, Checkpoint.Load(folder.File("out/last.safetensors")).Progress.Step);
        string report = File.ReadAllText(folder.File("out/report.html"));
        Assert.Contains(line["test accuracy ".Length..], report, StringComparison.Ordinal);
        Assert.DoesNotContain("http://", report.Replace("http://www.w3.org/", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("<script", report, StringComparison.Ordinal);
    }
}
