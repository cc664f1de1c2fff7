using System.Text.Json;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Cli;

public class EvalCommandTests
{
    /// <summary>Accuracy and loss counted here from the logits that PyTorch computed in float64.</summary>
    [Fact]
    public void AccuracyAndLossFollowFromPyTorchsLogits()
    {
        using TemporaryFolder folder = new();
        GoldenCase golden = GoldenCase.Load("resnet18-v2-cifar");
        string[] network = GoldenFiles.Write(folder, golden);
        long[] labels = GoldenFill.Labels(golden);
        double loss = 0;
        int right = 0;
        for (int n = 0; n < golden.Batch; n++)
        {
            double[] logits = golden.EvalLogits[n];
            double largest = logits.Max();
            loss += Math.Log(logits.Sum(x => Math.Exp(x - largest))) + largest - logits[labels[n]];
            right += logits[labels[n]] == largest ? 1 : 0;
        }
        using JsonDocument json = JsonDocument.Parse(CliRun.Success(["eval", "--weights", folder.File("init.safetensors"),
            "--data", $"npy:{folder.Path}", "--batch", "3", "--json", .. network, .. CliRun.OnReference]));
        Assert.Equal(golden.Batch, json.RootElement.GetProperty("images").GetInt32());
        Assert.Equal(right, json.RootElement.GetProperty("correct").GetInt32());
        Assert.Equal(loss / golden.Batch, json.RootElement.GetProperty("loss").GetDouble(), 1e-4);
    }

    /// <summary>A checkpoint says how its images were normalised, and eval does the same unless told otherwise.</summary>
    [Fact]
    public void ImagesAreNormalisedAsInTraining()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 12, classes: 3);
        string log = CliRun.Success(["train", "--data", $"npy:{folder.Path}", "--test-data", $"npy:{folder.Path}", .. SmallData.Network,
            "--batch", "6", "--epochs", "2", "--lr", "0.05", "--out", folder.File("out"), .. CliRun.OnReference]);
        string expected = log.Split('\n').Last(line => line.StartsWith("epoch 2: ", StringComparison.Ordinal)).Split("test loss ")[1].Split(',')[0];
        Assert.Equal(expected, Loss());
        Assert.Equal(expected, Loss("--normalize", "dataset"));
        Assert.NotEqual(expected, Loss("--normalize", "none"));

        string Loss(params string[] more) => CliRun.Success(["eval", "--weights", folder.File("out/last.safetensors"),
            "--data", $"npy:{folder.Path}", .. more, .. CliRun.OnReference]).Split("loss")[1].Trim();
    }

    [Fact]
    public void DataThatDoNotFitAreRefused()
    {
        using TemporaryFolder folder = new();
        GoldenCase golden = GoldenCase.Load("resnet18-v2-cifar");
        string[] network = GoldenFiles.Write(folder, golden);
        string weights = folder.File("init.safetensors");
        Assert.Contains("images of 1 channels, the network takes 3",
            CliRun.Refusal(["eval", "--weights", weights, "--data", "fashion-mnist-subset", .. network, .. CliRun.OnReference]), StringComparison.Ordinal);
        Assert.Contains("--data is missing", CliRun.Refusal("eval", "--weights", weights), StringComparison.Ordinal);
        NpyFiles.WriteLabels(folder, [0, 1, 2, 3, 4, 5, 6, 10]);
        Assert.Contains("label 10 of image 7",
            CliRun.Refusal(["eval", "--weights", weights, "--data", $"npy:{folder.Path}", .. network, .. CliRun.OnReference]), StringComparison.Ordinal);
    }

    /// <summary>What the call gets wrong is said before there is a device, and so before the set is evaluated.</summary>
    [Fact]
    public void ClassNamesAreReadBeforeTheDeviceIsOpened()
    {
        using TemporaryFolder folder = new();
        string[] network = GoldenFiles.Write(folder, GoldenCase.Load("resnet18-v2-cifar"));
        string names = folder.File("names.txt");
        File.WriteAllLines(names, ["one"]);
        Assert.Contains($"{names}: has 1 lines", CliRun.Refusal(["eval", "--weights", folder.File("init.safetensors"),
            "--data", $"npy:{folder.Path}", "--class-names", names, "--device", "cuda:99", .. network]), StringComparison.Ordinal);
    }

    [LinuxFact]
    public void ATableThatCannotBeWrittenLosesNoAccuracy()
    {
        using TemporaryFolder folder = new();
        string[] network = GoldenFiles.Write(folder, GoldenCase.Load("resnet18-v2-cifar"));
        CliRun run = CliRun.Of(["eval", "--weights", folder.File("init.safetensors"), "--data", $"npy:{folder.Path}",
            "--predictions", "/dev/full", .. network, .. CliRun.OnReference]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("/dev/full", run.Error, StringComparison.Ordinal);
        Assert.Contains("accuracy  ", run.Output, StringComparison.Ordinal);
    }
}
