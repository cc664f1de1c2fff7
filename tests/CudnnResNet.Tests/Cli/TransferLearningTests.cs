using System.Text.Json;
using CudnnResNet.Reporting;
using CudnnResNet.Tests.Imaging;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cli;

/// <summary>The walk-through of docs/transfer-learning.md in small: pictures of coloured stripes, a network of width 4.</summary>
public class TransferLearningTests
{
    private const int Side = 32;
    private static readonly string[] Small = ["--resize", "32", "--crop", "32", "--min-crop-area", "0.5", "--batch", "8", "--seed", "3"];

    [ImagingFact]
    public void AHeadIsTrainedFirstThenAllOfTheNetwork()
    {
        using TemporaryFolder folder = new();
        WriteSet(folder, "old", ["across", "along", "plain"], perClass: 16);
        WriteSet(folder, "new", ["plain", "across"], perClass: 12);
        CliRun.Success(["train", "--data", $"folder:{folder.File("old")}", "--model", "resnet18", "--width", "4", "--stem", "cifar", "--epochs", "2",
            "--lr", "0.05", "--normalize", "imagenet", "--out", folder.File("old-run"), .. Small, .. CliRun.OnReference]);
        string old = folder.File("old-run/last.safetensors");
        CliRun.Success(["train", "--data", $"folder:{folder.File("new")}", "--init", old, "--classes", "2", "--lr-factors", "backbone=0",
            "--frozen-batch-norm", "--epochs", "4", "--lr", "0.1", "--out", folder.File("head"), .. Small, .. CliRun.OnReference]);
        TensorFile before = Safetensors.Read(old);
        TensorFile head = Safetensors.Read(folder.File("head/last.safetensors"));
        foreach (NamedTensor tensor in before.Tensors.Where(tensor => !tensor.Name.StartsWith("fc.", StringComparison.Ordinal)
            && !tensor.Name.StartsWith("optimizer.", StringComparison.Ordinal)))
            Assert.Equal(tensor.ToDoubles(), head.TryGet(tensor.Name)!.ToDoubles());
        Assert.Equal([2L, 32], head.TryGet("fc.weight")!.Shape.AsEnumerable());

        CliRun.Success(["train", "--data", $"folder:{folder.File("new")}", "--init", folder.File("head/last.safetensors"),
            "--lr-factors", "layer4=0.3,backbone=0.1", "--frozen-batch-norm", "--epochs", "2", "--lr", "0.02", "--out", folder.File("all"), .. Small, .. CliRun.OnReference]);
        TensorFile all = Safetensors.Read(folder.File("all/last.safetensors"));
        foreach (string moved in (string[])["conv1.weight", "layer4.1.conv2.weight", "fc.weight"])
            Assert.NotEqual(head.TryGet(moved)!.ToDoubles(), all.TryGet(moved)!.ToDoubles());
        foreach (string kept in (string[])["bn1.weight", "bn1.running_mean", "layer4.1.bn2.running_var"])
            Assert.Equal(before.TryGet(kept)!.ToDoubles(), all.TryGet(kept)!.ToDoubles());
        string best = folder.File("all/best.safetensors");
        using JsonDocument measured = JsonDocument.Parse(CliRun.Success(["eval", "--weights", best, "--data", $"folder:{folder.File("new")}",
            "--json", "--resize", "32", "--crop", "32", .. CliRun.OnReference]));
        Assert.Equal(["across", "plain"], measured.RootElement.GetProperty("classes").EnumerateArray().Select(row => row.GetProperty("name").GetString()));
        Assert.InRange(measured.RootElement.GetProperty("top1").GetDouble(), 75, 100);
        RequirePredictionsOf(best, folder, measured.RootElement.GetProperty("correct").GetInt32());
    }

    /// <summary>The names that predict prints are those of the folders, and right as often as eval says.</summary>
    private static void RequirePredictionsOf(string weights, TemporaryFolder folder, int correct)
    {
        string[] lines = CliRun.Success(["predict", folder.File("new/val"), "--weights", weights, "--json", "--top", "1",
            "--resize", "32", "--crop", "32", .. CliRun.OnReference]).Trim().Split('\n');
        int right = 0;
        foreach (string line in lines)
        {
            using JsonDocument parsed = JsonDocument.Parse(line);
            string kind = Path.GetFileName(Path.GetDirectoryName(parsed.RootElement.GetProperty("file").GetString()))!;
            if (parsed.RootElement.GetProperty("top")[0].GetProperty("name").GetString() == kind)
                right++;
        }
        Assert.Equal(24, lines.Length);
        Assert.Equal(correct, right);
    }

    private static void WriteSet(TemporaryFolder folder, string name, string[] classes, int perClass)
    {
        Random random = new(classes.Length);
        foreach (string part in (string[])["train", "val"])
            foreach (string kind in classes)
            {
                Directory.CreateDirectory(folder.File($"{name}/{part}/{kind}"));
                for (int i = 0; i < perClass; i++)
                    File.WriteAllBytes(folder.File($"{name}/{part}/{kind}/{i}.png"), PngWriter.Encode(Picture(kind, random), Side, Side, 3));
            }
    }

    private static byte[] Picture(string kind, Random random)
    {
        byte[] rgb = new byte[Side * Side * 3];
        int phase = random.Next(8);
        for (int i = 0; i < rgb.Length; i++)
        {
            (int y, int x) = (i / 3 / Side, i / 3 % Side);
            bool isBright = kind == "across" ? (y + phase) / 4 % 2 == 0 : kind == "along" && (x + phase) / 4 % 2 == 0;
            rgb[i] = (byte)((isBright ? 170 : 50) + random.Next(60));
        }
        return rgb;
    }
}
