using CudnnResNet.Cli.Flags;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Cli;

public class PresetTests
{
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
