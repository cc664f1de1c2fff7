using System.Text.Json;
using CudnnResNet.Models;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cli;

/// <summary>Names of classes travel with the weights.</summary>
public class ClassNameTests
{
    private static readonly string[] Clothes =
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

    [Fact]
    public void ACheckpointNamesTheClassesOfItsData()
    {
        using TemporaryFolder folder = new();
        CliRun.Success(["train", "--data", "fashion-mnist-subset", "--test-data", "none", "--model", "resnet20", "--width", "2", "--steps", "1",
            "--batch", "4", "--out", folder.File("run"), "--no-report", .. CliRun.OnReference]);
        string last = folder.File("run/last.safetensors");
        Assert.Equal(Clothes, NamesIn(last));
        Assert.Contains("classes   T-shirt/top, Trouser", CliRun.Success("inspect", last), StringComparison.Ordinal);
        foreach (string copy in (string[])[folder.File("w.safetensors"), folder.File("w.onnx")])
        {
            CliRun.Success("convert", last, copy);
            Assert.Equal(Clothes, NamesIn(copy));
        }
        using JsonDocument measured = JsonDocument.Parse(CliRun.Success(["eval", "--weights", folder.File("w.onnx"),
            "--data", "fashion-mnist-subset", "--json", .. CliRun.OnReference]));
        Assert.Equal(Clothes, measured.RootElement.GetProperty("classes").EnumerateArray().Select(row => row.GetProperty("name").GetString()));
    }

    /// <summary>Numbers in their order are no names.</summary>
    [Fact]
    public void NumberedClassesAreNotStored()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 6, classes: 3);
        CliRun.Success(["train", "--data", $"npy:{folder.Path}", .. SmallData.Network, "--batch", "6", "--steps", "1",
            "--out", folder.File("run"), "--no-report", .. CliRun.OnReference]);
        Assert.Null(NamesIn(folder.File("run/last.safetensors")));
    }

    /// <summary>Labels of a set whose folders are not the checkpoint's count wrongly: eval says so.</summary>
    [Fact]
    public void EvalWarnsWhereTheDataNameOtherClasses()
    {
        using TemporaryFolder folder = new();
        ResNetSpec spec = ResNetSpec.Standard(20) with { Width = 2, InputChannels = 1, Classes = 10 };
        Write(folder.File("w.safetensors"), spec, [.. Clothes.Reverse()]);
        CliRun run = CliRun.Of(["eval", "--weights", folder.File("w.safetensors"), "--data", "fashion-mnist-subset", .. CliRun.OnReference]);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("warning: class 0 is 'Ankle boot' in ", run.Error, StringComparison.Ordinal);
    }

    /// <summary>Names for another number of classes than the network has are not shown.</summary>
    [Fact]
    public void NamesThatDoNotFitAreLeftOut()
    {
        using TemporaryFolder folder = new();
        Write(folder.File("w.safetensors"), ResNetSpec.Standard(20) with { Width = 2, Classes = 3 }, ["only", "two"]);
        Assert.Null(NamesIn(folder.File("w.safetensors")));
    }

    private static void Write(string path, ResNetSpec spec, string[] names) =>
        Safetensors.Write(path, [.. SmallNetworks.Draw(spec).Tensors.Values], Checkpoint.Describe(spec, classNames: names));

    private static string[]? NamesIn(string path)
    {
        using JsonDocument report = JsonDocument.Parse(CliRun.Success("inspect", path, "--json"));
        return report.RootElement.TryGetProperty("classNames", out JsonElement names) && names.ValueKind == JsonValueKind.Array
            ? [.. names.EnumerateArray().Select(name => name.GetString()!)]
            : null;
    }
}
