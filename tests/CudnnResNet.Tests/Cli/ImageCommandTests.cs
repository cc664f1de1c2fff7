using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using CudnnResNet.Data;
using CudnnResNet.Inference;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Imaging;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cli;

/// <summary>predict and eval on image files, with a small network whose logits a session gives for Pillow's pixels.</summary>
public class ImageCommandTests
{
    private const int Side = 28;
    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 4, Classes = 7, Stem = ResNetStem.Cifar };
    private static readonly string[] Transform = ["--resize", "32", "--crop", "28"];
    private static readonly string[] Names = ["evaluation0.png", "evaluation1.png", "evaluation2.png"];

    [ImagingFact]
    public void TheLikeliestClassesAreThoseOfPillowsPixels()
    {
        using TemporaryFolder folder = new();
        float[][] logits = WriteWeights(folder);
        string[] lines = CliRun.Success(["predict", .. Names.Select(ImageFixture.PathOf), "--weights", folder.File("w.safetensors"),
            "--top", "3", "--json", "--batch", "2", "--out", folder.File("logits.npy"), .. Transform, .. CliRun.OnReference]).Trim().Split('\n');
        Assert.Equal(Names.Length, lines.Length);
        for (int n = 0; n < lines.Length; n++)
        {
            using JsonDocument line = JsonDocument.Parse(lines[n]);
            Assert.Equal(ImageFixture.PathOf(Names[n]), line.RootElement.GetProperty("file").GetString());
            double sum = logits[n].Sum(x => Math.Exp(x));
            int[] best = [.. Enumerable.Range(0, 7).OrderByDescending(k => logits[n][k]).Take(3)];
            JsonElement[] top = [.. line.RootElement.GetProperty("top").EnumerateArray()];
            Assert.Equal(best, top.Select(likely => likely.GetProperty("class").GetInt32()));
            // A pixel may be one level off Pillow's.
            for (int k = 0; k < 3; k++)
                Assert.Equal(Math.Exp(logits[n][best[k]]) / sum, top[k].GetProperty("probability").GetDouble(), 5e-3);
        }
        Assert.Equal([3L, 7], NpyFile.Read(folder.File("logits.npy")).Shape);
    }

    [ImagingFact]
    public void FoldersAreSearchedAndDamagedFilesNamed()
    {
        using TemporaryFolder folder = new();
        WriteWeights(folder);
        Directory.CreateDirectory(folder.File("images/deep"));
        File.Copy(ImageFixture.PathOf("rgb.png"), folder.File("images/b.png"));
        File.Copy(ImageFixture.PathOf("grey.jpg"), folder.File("images/deep/a.JPEG"));
        File.WriteAllText(folder.File("images/notes.txt"), "not an image");
        File.WriteAllBytes(folder.File("images/c.jpg"), ImageFixture.Bytes("baseline420.jpg")[..^300]);
        File.WriteAllLines(folder.File("names.txt"), ["zero", "one", "two, or so", "three", "four", "five", "six"]);
        CliRun run = CliRun.Of(["predict", folder.File("images"), "--weights", folder.File("w.safetensors"), "--csv", "--top", "7",
            "--class-names", folder.File("names.txt"), "--html", folder.File("sheet.html"), .. Transform, .. CliRun.OnReference]);
        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"error: {folder.File("images/c.jpg")}: not a readable JPEG file", run.Error, StringComparison.Ordinal);
        string[] lines = run.Output.Trim().Split('\n');
        Assert.StartsWith("file,class1,name1,probability1,class2", lines[0], StringComparison.Ordinal);
        Assert.Equal([folder.File("images/b.png"), folder.File("images/deep/a.JPEG")], lines[1..].Select(line => line.Split(',')[0]));
        Assert.Contains("2,\"two, or so\",0.", lines[1], StringComparison.Ordinal);
        double sum = lines[1].Replace(", or", "", StringComparison.Ordinal).Split(',').Where((_, i) => i > 0 && i % 3 == 0)
            .Sum(cell => double.Parse(cell, CultureInfo.InvariantCulture));
        Assert.Equal(1, sum, 1e-4);

        XDocument sheet = XDocument.Parse(File.ReadAllText(folder.File("sheet.html")).Replace("<!DOCTYPE html>", "", StringComparison.Ordinal));
        Assert.Equal(2, sheet.Descendants().Count(element => element.Name.LocalName == "figure"));
        Assert.Equal(14, sheet.Descendants().Count(element => element.Name.LocalName == "li"));
    }

    [ImagingFact]
    public void EvaluationOfAFolderAndOfACsvFileAgree()
    {
        using TemporaryFolder folder = new();
        float[][] logits = WriteWeights(folder);
        for (int n = 0; n < Names.Length; n++)
        {
            Directory.CreateDirectory(folder.File($"set/class{n}"));
            File.Copy(ImageFixture.PathOf(Names[n]), folder.File($"set/class{n}/{Names[n]}"));
        }
        File.WriteAllLines(folder.File("set.csv"), ["file,label", .. Names.Select((name, n) => $"class{n}/{name},{n}")]);
        double loss = 0;
        int right = 0, amongFive = 0;
        for (int n = 0; n < Names.Length; n++)
        {
            loss += Math.Log(logits[n].Sum(x => Math.Exp(x))) - logits[n][n];
            int better = logits[n].Count(x => x > logits[n][n]);
            right += better == 0 ? 1 : 0;
            amongFive += better < 5 ? 1 : 0;
        }
        foreach (string data in (string[])[$"folder:{folder.File("set")}", $"csv:{folder.File("set.csv")}"])
        {
            using JsonDocument json = JsonDocument.Parse(CliRun.Success(["eval", "--weights", folder.File("w.safetensors"), "--data", data,
                "--json", "--predictions", folder.File("out.csv"), .. Transform, .. CliRun.OnReference]));
            JsonElement root = json.RootElement;
            Assert.Equal(3, root.GetProperty("images").GetInt32());
            Assert.Equal(100.0 * right / 3, root.GetProperty("top1").GetDouble(), 1e-9);
            Assert.Equal(100.0 * amongFive / 3, root.GetProperty("top5").GetDouble(), 1e-9);
            Assert.Equal(loss / 3, root.GetProperty("loss").GetDouble(), 5e-3);
            Assert.Equal(3, root.GetProperty("classes").GetArrayLength());
            Assert.Equal(4, File.ReadAllLines(folder.File("out.csv")).Length);
        }
        Assert.Contains("top 5", CliRun.Success(["eval", "--weights", folder.File("w.safetensors"), "--data", $"csv:{folder.File("set.csv")}",
            "--min-aspect-dim", "32", "--resize-dim", "28", .. CliRun.OnReference]), StringComparison.Ordinal);
    }

    [ImagingFact]
    public void DamagedImagesAreLeftOutUntilThereAreTooMany()
    {
        using TemporaryFolder folder = new();
        WriteWeights(folder);
        File.Copy(ImageFixture.PathOf("rgb.png"), folder.File("good.png"));
        File.WriteAllBytes(folder.File("bad.png"), ImageFixture.Bytes("rgb.png")[..500]);
        File.WriteAllLines(folder.File("set.csv"), ["good.png,1", "bad.png,2", "absent.png,3", "good.png,1"]);
        string[] eval = ["eval", "--weights", folder.File("w.safetensors"), "--data", $"csv:{folder.File("set.csv")}", .. Transform, .. CliRun.OnReference];
        CliRun run = CliRun.Of([.. eval, "--max-bad", "50%", "--json"]);
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(2, run.Error.Trim().Split('\n').Length);
        using JsonDocument json = JsonDocument.Parse(run.Output);
        Assert.Equal((2, 2), (json.RootElement.GetProperty("images").GetInt32(), json.RootElement.GetProperty("leftOut").GetInt32()));
        CliRun refused = CliRun.Of(eval);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("images cannot be read, more than 0.1 %", refused.Error, StringComparison.Ordinal);
    }

    [ImagingFact]
    public void CallsWithoutMeaningAreRefused()
    {
        using TemporaryFolder folder = new();
        WriteWeights(folder);
        string[] predict = ["predict", ImageFixture.PathOf("rgb.png"), "--weights", folder.File("w.safetensors")];
        Assert.Contains("--json and --csv", CliRun.Refusal([.. predict, "--json", "--csv"]), StringComparison.Ordinal);
        Assert.Contains("--tensor both", CliRun.Refusal([.. predict, "--tensor", "x.npy"]), StringComparison.Ordinal);
        Assert.Contains("give one pair", CliRun.Refusal([.. predict, "--resize", "9", "--resize-dim", "8"]), StringComparison.Ordinal);
        Assert.Contains("nothing to classify", CliRun.Refusal("predict", "--weights", folder.File("w.safetensors")), StringComparison.Ordinal);
        Assert.Contains("no JPEG or PNG files", CliRun.Refusal("predict", folder.Path, "--weights", folder.File("w.safetensors")), StringComparison.Ordinal);
    }

    /// <summary>Draws weights, writes them, and computes the logits of Pillow's pixels without the command line.</summary>
    private static float[][] WriteWeights(TemporaryFolder folder)
    {
        byte[] pixels = [.. Enumerable.Range(0, 3).SelectMany(n => ImageFixture.Expected($"evaluation{n}_32_28").Pixels)];
        ByteImageSet images = new("expected", pixels, (Side, Side, 3), [0, 1, 2], [.. Enumerable.Range(0, 7).Select(k => $"{k}")]);
        using ReferenceBackend backend = new(2);
        using InferenceSession session = InferenceSession.Create(Spec, 3, Side, Side, Precision.Fp32, backend, GoldenNetwork.Untuned);
        NetworkWeights weights = WeightInitialization.Create(session.ExpectedWeights, seed: 5);
        Safetensors.Write(folder.File("w.safetensors"), [.. weights.Tensors.Values]);
        session.LoadWeights(weights);
        float[] logits = new float[session.LogitElements];
        session.Run(new EvaluationBatches(images, 3, Normalization.ImageNet).Read(0).Images, logits);
        return [.. logits.Chunk(7)];
    }
}
