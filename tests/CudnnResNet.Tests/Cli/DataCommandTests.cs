using System.Text.Json;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Cli;

public class DataCommandTests
{
    /// <summary>The whole set has mean 0.2860 and deviation 0.3530; a tenth of it, taken class by class, has nearly the same.</summary>
    [Fact]
    public void TheSubsetIsBalancedAndLikeTheWhole()
    {
        using JsonDocument json = JsonDocument.Parse(CliRun.Success("data", "info", "--data", "fashion-mnist-subset", "--json"));
        JsonElement[] parts = [.. json.RootElement.GetProperty("parts").EnumerateArray()];
        Assert.Equal([6000, 1000], parts.Select(part => part.GetProperty("images").GetInt32()));
        foreach (JsonElement part in parts)
        {
            int[] perClass = [.. part.GetProperty("imagesPerClass").EnumerateArray().Select(count => count.GetInt32())];
            Assert.Equal(Enumerable.Repeat(part.GetProperty("images").GetInt32() / 10, 10), perClass);
            Assert.Equal(0.2860, part.GetProperty("mean")[0].GetDouble(), 0.005);
            Assert.Equal(0.3530, part.GetProperty("std")[0].GetDouble(), 0.005);
        }
        Assert.Equal("Ankle boot", json.RootElement.GetProperty("classNames")[9].GetString());
    }

    [Fact]
    public void AFolderIsCounted()
    {
        using TemporaryFolder folder = new();
        NpyFiles.WriteImages(folder, "images.npy", [3, 1, 1, 2], [0, 2, 4, 6, 8, 10]);
        NpyFiles.WriteLabels(folder, [1, 1, 0]);
        using JsonDocument json = JsonDocument.Parse(CliRun.Success("data", "info", "--data", $"npy:{folder.Path}", "--json"));
        JsonElement part = Assert.Single(json.RootElement.GetProperty("parts").EnumerateArray());
        Assert.Equal([1, 2], part.GetProperty("imagesPerClass").EnumerateArray().Select(count => count.GetInt32()));
        Assert.Equal(5, part.GetProperty("mean")[0].GetDouble());
        Assert.Equal(Math.Sqrt(70.0 / 6), part.GetProperty("std")[0].GetDouble(), 1e-12);
        Assert.Contains("images of 1 x 2, 1 channel, 2 classes",
            CliRun.Success("data", "info", "--data", $"npy:{folder.Path}"), StringComparison.Ordinal);
    }

    [Fact]
    public void TheListNamesEverySetAndWhereItIs()
    {
        using JsonDocument json = JsonDocument.Parse(CliRun.Success("data", "list", "--json"));
        Dictionary<string, JsonElement> sets = json.RootElement.EnumerateArray().ToDictionary(set => set.GetProperty("name").GetString()!);
        Assert.Equal(["fashion-mnist", "fashion-mnist-subset"], sets.Keys.Order());
        Assert.True(sets["fashion-mnist-subset"].GetProperty("found").GetBoolean());
        Assert.Equal(CliRun.Success("data"), CliRun.Success("data", "list"));
    }
}
