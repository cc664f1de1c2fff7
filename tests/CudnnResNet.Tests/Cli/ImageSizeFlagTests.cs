using System.Text.Json;
using CudnnResNet.Reporting;
using CudnnResNet.Tests.Imaging;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Cli;

/// <summary>train --image-sizes on image files.</summary>
public class ImageSizeFlagTests
{
    [ImagingFact]
    public void AnInterruptedScheduleGoesOnBitForBit()
    {
        using TemporaryFolder folder = new();
        Random random = new(1);
        foreach (string kind in (string[])["a", "b"])
        {
            Directory.CreateDirectory(folder.File($"set/{kind}"));
            for (int i = 0; i < 6; i++)
            {
                byte[] rgb = new byte[40 * 36 * 3];
                random.NextBytes(rgb);
                File.WriteAllBytes(folder.File($"set/{kind}/{i}.png"), PngWriter.Encode(rgb, 36, 40, 3));
            }
        }
        string[] train = ["train", "--data", $"folder:{folder.File("set")}", "--test-data", $"folder:{folder.File("set")}", "--model", "resnet20",
            "--width", "2", "--batch", "4", "--normalize", "imagenet", "--schedule", "constant", "--image-sizes", "0:16,1:24,2:32", "--no-report", .. CliRun.OnReference];
        CliRun.Success([.. train, "--epochs", "3", "--out", folder.File("whole")]);
        CliRun.Success([.. train, "--steps", "4", "--out", folder.File("parts")]);
        CliRun.Success([.. train, "--epochs", "3", "--resume", folder.File("parts")]);
        (string[] whole, string[] parts) = (Steps("whole"), Steps("parts"));
        Assert.Equal(9, whole.Length);
        Assert.Equal(whole, parts);
        using JsonDocument header = JsonDocument.Parse(File.ReadLines(folder.File("whole/run.jsonl")).First());
        Assert.Contains("16, after epoch 1 24, after epoch 2 32", header.RootElement.ToString(), StringComparison.Ordinal);

        string[] Steps(string run) => [.. File.ReadLines(folder.File($"{run}/run.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)
            .Where(line => line.TryGetProperty("lr", out _))
            .Select(line => $"{line.GetProperty("step")} {line.GetProperty("epoch")} {line.GetProperty("loss").GetRawText()}")];
    }

    [Fact]
    public void FlagsWithoutMeaningAreRefused()
    {
        string[] train = ["train", "--data", "fashion-mnist-subset", "--steps", "1", .. CliRun.OnReference];
        Assert.Contains("epoch:size pairs", CliRun.Refusal([.. train, "--image-sizes", "224"]), StringComparison.Ordinal);
        using TemporaryFolder folder = new();
        Assert.Contains("images of 28 x 28 only", CliRun.Refusal([.. train, "--image-sizes", "0:16", "--model", "resnet20", "--width", "2", "--out", folder.File("run")]), StringComparison.Ordinal);
    }
}
