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

    /// <summary>Packed, verified, counted, previewed and evaluated: one set through all commands.</summary>
    [Imaging.ImagingFact]
    public void AFolderIsPackedAndUsed()
    {
        using TemporaryFolder folder = new();
        foreach ((string kind, string name) in ((string, string)[])[("cat", "rgb.png"), ("cat", "baseline420.jpg"), ("dog", "palette.png"), ("dog", "cmyk.jpg")])
        {
            Directory.CreateDirectory(folder.File($"set/{kind}"));
            File.Copy(Imaging.ImageFixture.PathOf(name), folder.File($"set/{kind}/{name}"));
        }
        string records = folder.File("set.records");
        Assert.Contains("4 images", CliRun.Success("data", "pack", "--data", $"folder:{folder.File("set")}", "--out", records, "--side", "32"), StringComparison.Ordinal);
        string[] packed = ["--data", $"records:{records}", "--resize", "32", "--crop", "28"];
        Assert.Contains("4 images, 0 damaged", CliRun.Success(["data", "verify", .. packed]), StringComparison.Ordinal);
        using JsonDocument ofRecords = JsonDocument.Parse(CliRun.Success(["data", "info", "--json", .. packed]));
        using JsonDocument ofFolder = JsonDocument.Parse(CliRun.Success("data", "info", "--json",
            "--data", $"folder:{folder.File("set")}", "--resize", "32", "--crop", "28"));
        Assert.Equal(["cat", "dog"], ofRecords.RootElement.GetProperty("classNames").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal(ofFolder.RootElement.GetProperty("parts")[0].GetProperty("mean").ToString(), ofRecords.RootElement.GetProperty("parts")[0].GetProperty("mean").ToString());
        CliRun.Success(["data", "preview", .. packed, "--out", folder.File("sheet.html"), "--images", "2", "--samples", "3",
            "--color-jitter", "0.4,0.4,0.4,0.1", "--rand-augment", "2,9", "--random-erasing", "1"]);
        Assert.Equal(8, File.ReadAllText(folder.File("sheet.html")).Split("<figure").Length - 1);
        using JsonDocument speed = JsonDocument.Parse(CliRun.Success(["data", "bench", .. packed, "--seconds", "1", "--batch", "4", "--threads", "2", "--json"]));
        Assert.True(speed.RootElement.GetProperty("imagesPerSecond").GetDouble() > 0);

        byte[] bytes = File.ReadAllBytes(records);
        bytes[400] ^= 1;
        File.WriteAllBytes(records, bytes);
        CliRun damaged = CliRun.Of(["data", "verify", .. packed]);
        Assert.Equal(2, damaged.ExitCode);
        Assert.Contains("image 0: its bytes have another checksum", damaged.Output, StringComparison.Ordinal);
        Assert.Contains("only image files are packed", CliRun.Refusal("data", "pack", "--data", "fashion-mnist-subset", "--out", records), StringComparison.Ordinal);
    }

    [Fact]
    public void CifarAndIdxFilesAreRead()
    {
        using TemporaryFolder folder = new();
        byte[] record = [3, .. Enumerable.Repeat((byte)255, 1024), .. Enumerable.Repeat((byte)51, 1024), .. Enumerable.Repeat((byte)0, 1024)];
        foreach (string name in (string[])["data_batch_1.bin", "data_batch_2.bin"])
            File.WriteAllBytes(folder.File(name), [.. record, .. record]);
        File.WriteAllBytes(folder.File("test_batch.bin"), record);
        File.WriteAllBytes(folder.File("train.bin"), [7, .. record]);
        using JsonDocument ten = JsonDocument.Parse(CliRun.Success("data", "info", "--data", $"cifar10:{folder.Path}", "--json"));
        Assert.Equal([4, 1], ten.RootElement.GetProperty("parts").EnumerateArray().Select(part => part.GetProperty("images").GetInt32()));
        Assert.Equal([1, 0.2, 0], ten.RootElement.GetProperty("parts")[0].GetProperty("mean").EnumerateArray().Select(mean => Math.Round(mean.GetDouble(), 6)));
        Assert.Contains("4  cat", CliRun.Success("data", "info", "--data", $"cifar10:{folder.Path}"), StringComparison.Ordinal);
        Assert.Contains("100 classes", CliRun.Success("data", "info", "--data", $"cifar100:{folder.File("train.bin")}"), StringComparison.Ordinal);
        Assert.Contains("not records of 3073", CliRun.Refusal("data", "info", "--data", $"cifar10:{folder.File("train.bin")}"), StringComparison.Ordinal);

        File.Copy(Data.Fixture.PathOf("images.idx"), folder.File("train-images-idx3-ubyte"));
        File.Copy(Data.Fixture.PathOf("labels.idx.gz"), folder.File("train-labels-idx1-ubyte.gz"));
        Assert.Contains("images of", CliRun.Success("data", "info", "--data", $"idx:{folder.Path}"), StringComparison.Ordinal);
    }
}
