using System.Text.Json;
using CudnnResNet.Data;
using CudnnResNet.Reporting;
using CudnnResNet.Tests.Data;
using CudnnResNet.Tests.Imaging;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Cli;

/// <summary>train --image-sizes on image files and on sets in memory.</summary>
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
        RequireContinuation(folder, train, "16, after epoch 1 24, after epoch 2 32");
    }

    /// <summary>CIFAR's images are held in memory: 32 x 32 to begin with, and smaller or larger as asked.</summary>
    [ImagingFact]
    public void SetsInMemoryChangeTheirSizesToo()
    {
        using TemporaryFolder folder = new();
        Random random = new(2);
        foreach ((string file, int images) in new[] { ("data_batch_1.bin", 12), ("test_batch.bin", 6) })
        {
            byte[] records = new byte[images * 3073];
            random.NextBytes(records);
            for (int i = 0; i < images; i++)
                records[i * 3073] = (byte)(i % 10);
            File.WriteAllBytes(folder.File(file), records);
        }
        string[] train = ["train", "--data", $"cifar10:{folder.Path}", "--model", "resnet20", "--width", "2", "--batch", "4", "--schedule", "constant",
            "--image-sizes", "0:16,1:24,2:32", "--no-report", .. CliRun.OnReference];
        RequireContinuation(folder, train, "16, after epoch 1 24, after epoch 2 32");
        // At full size the last epoch's evaluation is that of the checkpoint, by itself.
        using JsonDocument evaluated = JsonDocument.Parse(CliRun.Success(["eval", "--weights", folder.File("whole/last.safetensors"),
            "--data", $"cifar10:{folder.Path}", "--json", .. CliRun.OnReference]));
        double loss = File.ReadLines(folder.File("whole/run.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)
            .Last(line => line.TryGetProperty("testLoss", out _)).GetProperty("testLoss").GetDouble();
        Assert.Equal(loss, evaluated.RootElement.GetProperty("loss").GetDouble(), 1e-9);
    }

    private static void RequireContinuation(TemporaryFolder folder, string[] train, string sizes)
    {
        CliRun.Success([.. train, "--epochs", "3", "--out", folder.File("whole")]);
        CliRun.Success([.. train, "--steps", "4", "--out", folder.File("parts")]);
        CliRun.Success([.. train, "--epochs", "3", "--resume", folder.File("parts")]);
        (string[] whole, string[] parts) = (Steps("whole"), Steps("parts"));
        Assert.Equal(9, whole.Length);
        Assert.Equal(whole, parts);
        using JsonDocument header = JsonDocument.Parse(File.ReadLines(folder.File("whole/run.jsonl")).First());
        Assert.Contains(sizes, header.RootElement.ToString(), StringComparison.Ordinal);

        string[] Steps(string run) => [.. File.ReadLines(folder.File($"{run}/run.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)
            .Where(line => line.TryGetProperty("lr", out _))
            .Select(line => $"{line.GetProperty("step")} {line.GetProperty("epoch")} {line.GetProperty("loss").GetRawText()}")];
    }

    [Fact]
    public void FlagsWithoutMeaningAreRefused()
    {
        using TemporaryFolder folder = new();
        NpyFile.Write(folder.File("images.npy"), [4, 1, 28, 28], new float[4 * 28 * 28]);
        NpyFolderTests.SaveLabels(folder, 0, 1, 0, 1);
        string[] train = ["train", "--data", $"npy:{folder.Path}", "--steps", "1", "--batch", "2", .. CliRun.OnReference];
        Assert.Contains("epoch:size pairs", CliRun.Refusal([.. train, "--image-sizes", "224"]), StringComparison.Ordinal);
        Assert.Contains("images of 28 x 28 only", CliRun.Refusal([.. train, "--image-sizes", "0:16", "--model", "resnet20", "--width", "2", "--out", folder.File("run")]), StringComparison.Ordinal);
    }
}
