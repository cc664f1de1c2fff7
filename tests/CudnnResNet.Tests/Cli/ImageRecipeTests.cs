using System.Text.Json;
using CudnnResNet.Reporting;
using CudnnResNet.Tests.Imaging;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Cli;

/// <summary>What is done at random to photographs is logged, and a resumed run does it again or stops.</summary>
public class ImageRecipeTests
{
    private const string Plain = "random resized crops of 0.08 to 1 of the image, horizontal flips";

    [ImagingTheory]
    [InlineData(Plain)]
    [InlineData("random resized crops of 0.25 to 1 of the image, horizontal flips", "--min-crop-area", "0.25")]
    [InlineData("random resized crops of 0.08 to 1 of the image, bicubic, horizontal flips", "--interpolation", "bicubic")]
    [InlineData($"{Plain}, RandAugment 2,9, random erasing 0.5", "--rand-augment", "2,9", "--random-erasing", "0.5")]
    [InlineData($"{Plain}, colour jitter 0.4,0.3,0.2,0.1", "--color-jitter", "0.4,0.3,0.2,0.1")]
    [InlineData($"{Plain}, of images up to 4096 pixels", "--max-pixels", "4096")]
    [InlineData("none", "--augment", "none", "--rand-augment", "2,9")]
    public void WhatIsDoneToPhotographsIsLogged(string expected, params string[] flags)
    {
        using TemporaryFolder folder = new();
        _ = CliRun.Success([.. Train(folder), .. flags, "--out", folder.File("out")]);
        JsonElement header = TrainCommandTests.ReadLog(folder.File("out/run.jsonl"))[0];
        Assert.Equal(expected, header.GetProperty("options").GetProperty("augmentation").GetString());
    }

    /// <summary>None of these changes the images of an evaluation, nor any other option of the run.</summary>
    [ImagingTheory]
    [InlineData(false, ", RandAugment 2,9", "--rand-augment", "2,9")]
    [InlineData(false, ", colour jitter 0.4,0.4,0.4,0.1", "--color-jitter", "0.4,0.4,0.4,0.1")]
    [InlineData(false, ", of images up to 4096 pixels", "--max-pixels", "4096")]
    [InlineData(true, ", RandAugment 1,30", "--rand-augment", "1,30")]
    public void OtherSamplesAreNotContinued(bool packed, string added, params string[] flags)
    {
        using TemporaryFolder folder = new();
        string[] train = Train(folder, packed);
        _ = CliRun.Success([.. train, "--out", folder.File("out")]);
        string[] longer = [.. train[..^1], "4", "--resume", folder.File("out")];
        Assert.Contains($"bit for bit: training samples was {Plain}, is {Plain}{added}. Give",
            CliRun.Refusal([.. longer, .. flags]), StringComparison.Ordinal);
        Assert.Contains("resumed  after step 2, bit for bit", CliRun.Success(longer), StringComparison.Ordinal);
    }

    [ImagingFact]
    public void OtherCropsAreNotContinuedUnlessTheyAreNotTaken()
    {
        using TemporaryFolder folder = new();
        string[] train = Train(folder);
        _ = CliRun.Success([.. train, "--out", folder.File("out")]);
        Assert.Contains($"training samples was {Plain}, is random resized crops of 0.5 to 1 of the image, horizontal flips",
            CliRun.Refusal([.. train, "--min-crop-area", "0.5", "--resume", folder.File("out")]), StringComparison.Ordinal);
        _ = CliRun.Success([.. train, "--augment", "none", "--out", folder.File("whole")]);
        Assert.Contains("after step 2, bit for bit", CliRun.Success(
            [.. train[..^1], "4", "--augment", "none", "--min-crop-area", "0.5", "--resume", folder.File("whole")]), StringComparison.Ordinal);
    }

    /// <summary>The flags of two steps on eight images of noise; the number of steps is last.</summary>
    private static string[] Train(TemporaryFolder folder, bool packed = false)
    {
        Random random = new(1);
        foreach (string kind in (string[])["a", "b"])
        {
            Directory.CreateDirectory(folder.File($"set/{kind}"));
            for (int i = 0; i < 4; i++)
            {
                byte[] rgb = new byte[40 * 36 * 3];
                random.NextBytes(rgb);
                File.WriteAllBytes(folder.File($"set/{kind}/{i}.png"), PngWriter.Encode(rgb, 36, 40, 3));
            }
        }
        string data = $"folder:{folder.File("set")}";
        if (packed)
        {
            _ = CliRun.Success("data", "pack", "--data", data, "--out", folder.File("set.records"));
            data = $"records:{folder.File("set.records")}";
        }
        return ["train", "--data", data, "--test-data", "none", "--model", "resnet20", "--width", "2", "--batch", "4", "--crop", "16", "--resize", "18",
            "--normalize", "imagenet", "--schedule", "constant", "--no-report", .. CliRun.OnReference, "--steps", "2"];
    }
}
