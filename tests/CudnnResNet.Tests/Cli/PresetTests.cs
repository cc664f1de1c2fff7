using System.Text.Json;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Cli;

public class PresetTests
{
    private const string Common = "--data fashion-mnist --model resnet18 --stem cifar --precision bf16 --batch 128 --lr 0.2 --label-smoothing 0.1";

    /// <summary>What docs/recipes.md and docs/measurements speak of, and a recipe that trains with everything but its size.</summary>
    [Theory]
    [InlineData("fashion-fast", $"{Common} --width 16 --epochs 8")]
    [InlineData("fashion-best", $"{Common} --width 32 --epochs 24")]
    [InlineData("fashion-gpu", $"{Common} --width 64 --epochs 60 --device cuda")]
    public void EachPresetIsARecipe(string name, string flags)
    {
        Assert.Equal($"train --preset {name} {flags}", string.Join(' ', Preset.Expand(["train", "--preset", name])));
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 16, classes: 4);
        _ = CliRun.Success(["train", "--preset", name, "--data", $"npy:{folder.Path}", "--out", folder.File("out"), "--width", "4",
            "--precision", "fp32", "--batch", "8", "--steps", "2", .. CliRun.OnReference]);
        JsonElement options = TrainCommandTests.ReadLog(folder.File("out/run.jsonl"))[0].GetProperty("options");
        Assert.Equal("0.2, cosine", options.GetProperty("learning rate").GetString());
        Assert.Equal("0.1", options.GetProperty("label smoothing").GetString());
    }

    [Fact]
    public void NoPresetIsUntested() =>
        Assert.Equal(["fashion-fast", "fashion-best", "fashion-gpu"], Preset.All.Select(preset => preset.Name));

    [Fact]
    public void ThePresetsFlagsFollowThoseThatAreGiven()
    {
        string[] given = ["train", "--preset", "fashion-fast", "--lr", "0.05", "--width=8", "--steps", "3"];
        string[] expanded = Preset.Expand(given);
        Assert.Equal(given, expanded[..given.Length]);
        Assert.Equal("--data fashion-mnist --model resnet18 --stem cifar --precision bf16 --batch 128 --label-smoothing 0.1",
            string.Join(' ', expanded[given.Length..]));
    }

    [Theory]
    [InlineData("--preset", "fashion-fast")]
    [InlineData("--preset=fashion-fast")]
    public void ATrainingRunTakesThem(params string[] preset)
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 16, classes: 4);
        string output = CliRun.Success(["train", .. preset, "--data", $"npy:{folder.Path}", "--out", folder.File("out"),
            "--width", "4", "--precision", "fp32", "--batch", "8", "--epochs", "1", .. CliRun.OnReference]);
        Assert.Contains("resnet18 v1.5, cifar stem, width 4, 4 classes, 1 input channel", output, StringComparison.Ordinal);
    }

    [Fact]
    public void AnUnknownPresetIsRefused() =>
        Assert.Equal("--preset is 'slow'; give one of fashion-fast, fashion-best, fashion-gpu",
            CliRun.Refusal("train", "--preset", "slow"));
}
