using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using System.Xml.Linq;
using CudnnResNet.Data;
using CudnnResNet.Tests.Reporting;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Cli;

/// <summary>Pages of one run and of several, held against what the runs' logs, weights and images say by themselves.</summary>
public class ReportCommandTests
{
    private const int Images = 24;
    private const int Classes = 3;

    /// <summary>A run, one with a moving average that is better than its weights, and one that was killed and whose log is damaged.</summary>
    [Fact]
    public void SeveralRunsAreCompared()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, Images, Classes);
        Train(folder, "plain", "--lr", "0.05", "--epochs", "2");
        Train(folder, "average", "--lr", "0.5", "--epochs", "8", "--ema", "0.8");
        Train(folder, "killed", "--lr", "0.05", "--epochs", "3");
        string log = folder.File("killed/run.jsonl");
        string[] lines = File.ReadAllLines(log);
        // The header, four steps, their epoch, three steps and a part of the next.
        lines[3] = "?" + lines[3];
        File.WriteAllText(log, string.Join('\n', lines[..9]) + '\n' + lines[9][..17]);

        string page = folder.File("comparison.html");
        string said = CliRun.Success("report", folder.File("plain"), folder.File("average"), folder.File("killed"), "--out", page);
        string[] missing =
        [
            "killed: The run did not reach its end: 7 of 12 steps are there.",
            "killed: The last line of run.jsonl was cut off after 17 characters; it is left out.",
            "killed: 1 lines of run.jsonl cannot be read and are left out, the first is line 4.",
        ];
        Assert.Equal(string.Join('\n', [.. missing, $"wrote {page}", ""]), said.ReplaceLineEndings("\n"));

        XDocument html = SvgReading.Parse(File.ReadAllText(page));
        Assert.Equal(missing, html.Elements("aside", "missing").Single().Descendants().Where(IsNamed("li")).Select(item => item.Value));
        List<JsonElement>[] epochs = [.. new[] { "plain", "average", "killed" }.Select(run => Epochs(folder.File($"{run}/run.jsonl")))];
        string[][] rows = Rows(html.Elements("table", "results").Single());
        Assert.Equal(["run", "final test accuracy", "of the moving average", "best", "test loss", "train loss", "epochs", "steps", "training time", "throughput"], rows[0][..10]);
        Assert.Equal(["plain", "average", "killed"], rows[1..].Select(row => row[0]));
        Assert.Equal([2, 8, 1], epochs.Select(list => list.Count));
        Assert.Equal(["2", "8", "1"], rows[1..].Select(row => row[6]));
        Assert.Equal(["8", "32", "7 of 12"], rows[1..].Select(row => row[7]));
        for (int i = 0; i < epochs.Length; i++)
        {
            JsonElement last = epochs[i][^1];
            Assert.Equal(Percent(Accuracy(last, "testAccuracy")), rows[i + 1][1]);
            Assert.Equal(i == 1 ? Percent(Accuracy(last, "emaTestAccuracy")) : "–", rows[i + 1][2]);
            JsonElement best = epochs[i].MaxBy(Best);
            Assert.Equal($"{Percent(Best(best))} (epoch {best.GetProperty("epoch")})", rows[i + 1][3]);
            Assert.Equal(last.GetProperty("testLoss").GetDouble().ToString("0.0000", CultureInfo.InvariantCulture), rows[i + 1][4]);
        }
        // What best.safetensors serves is the average: the column says more than the weights alone reached.
        Assert.True(epochs[1].Max(Best) > epochs[1].Max(epoch => Accuracy(epoch, "testAccuracy")));

        // A curve for each run that has the numbers, in the run's colour.
        var charts = html.Elements("svg", "chart").Where(svg => !svg.Classes().Contains("swatch"))
            .ToDictionary(svg => svg.Attribute("aria-label")!.Value, svg => string.Join(' ', svg.Elements("path", "curve").Select(path => path.Classes()[1])));
        Assert.Equal(new Dictionary<string, string>
        {
            ["test accuracy"] = "s0 s1 s2",
            ["test accuracy of the moving average"] = "s1",
            ["test accuracy over training time"] = "s0 s1 s2",
            ["training loss, smoothed"] = "s0 s1 s2",
            ["test loss"] = "s0 s1 s2",
            ["learning rate"] = "s0 s1 s2",
            ["images per second, smoothed"] = "s0 s1 s2",
        }, charts);
        Assert.Equal(
            [["", "plain", "average", "killed"], ["steps", "8", "32", "12"], ["learning rate", "0.05, constant", "0.5, constant", "0.05, constant"],
                ["moving average", "none", "decay 0.8", "none"]],
            Rows(html.Elements("table", "differences").Single()));
        Assert.Equal(3, html.Descendants().Count(IsNamed("pre")));
    }

    [Fact]
    public void RunsThatAreCalledAlikeAreToldApartByTheirPaths()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, Images, Classes);
        Train(folder, "first/run", "--lr", "0.05", "--steps", "2");
        Train(folder, "second/run", "--lr", "0.05", "--steps", "2");
        string[] runs = [folder.File("first/run"), folder.File("second/run")];
        _ = CliRun.Success(["report", .. runs, "--out", folder.File("comparison.html")]);
        XDocument html = SvgReading.Parse(File.ReadAllText(folder.File("comparison.html")));
        Assert.Equal(runs, Rows(html.Elements("table", "results").Single())[1..].Select(row => row[0]));
        Assert.Contains("None: the runs were made alike", html.Root!.Value, StringComparison.Ordinal);
        Assert.Contains("is no run", CliRun.Refusal("report", runs[0], folder.Path), StringComparison.Ordinal);
        Assert.Contains("does not exist", CliRun.Refusal("report", runs[0], folder.File("third")), StringComparison.Ordinal);
    }

    /// <summary>The last weights' logits, computed apart from the run, say which images were mistaken and how badly.</summary>
    [Fact]
    public void TheWorstMistakesAreThoseOfTheHighestLoss()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, Images, Classes);
        Train(folder, "run", "--lr", "0.05", "--epochs", "2", "--normalize", "none");
        _ = CliRun.Success(["predict", "--weights", folder.File("run/last.safetensors"), "--tensor", folder.File("images.npy"),
            "--out", folder.File("logits.npy"), .. CliRun.OnReference]);
        float[] logits = NpyFile.Read(folder.File("logits.npy")).AsFloats().ToArray();
        float[] pixels = NpyFile.Read(folder.File("images.npy")).AsFloats().ToArray();
        int[,] confusion = new int[Classes, Classes];
        List<(double Loss, int Image, int Predicted)> mistakes = [];
        for (int image = 0; image < Images; image++)
        {
            double[] row = [.. logits[(image * Classes)..((image + 1) * Classes)].Select(value => (double)value)];
            (int label, int predicted) = (image % Classes, Array.IndexOf(row, row.Max()));
            confusion[label, predicted]++;
            if (label != predicted)
                mistakes.Add((Math.Log(row.Sum(Math.Exp)) - row[label], image, predicted));
        }
        mistakes.Sort((a, b) => b.Loss.CompareTo(a.Loss));
        Assert.InRange(mistakes.Count, 2, Images - 2);

        XDocument html = SvgReading.Parse(File.ReadAllText(folder.File("run/report.html")));
        XElement[] figures = [.. html.Elements("section", "worst").Single().Descendants().Where(IsNamed("figure"))];
        Assert.Equal(Math.Min(24, mistakes.Count), figures.Length);
        for (int i = 0; i < figures.Length; i++)
        {
            (double loss, int image, int predicted) = mistakes[i];
            XElement picture = figures[i].Descendants().Single(IsNamed("img"));
            Assert.Equal($"{image % Classes}", picture.Attribute("alt")!.Value);
            Assert.StartsWith($"✗ {predicted} ", figures[i].Value, StringComparison.Ordinal);
            Assert.Equal($"loss {loss.ToString("0.00", CultureInfo.InvariantCulture)}", figures[i].Descendants().Select(e => (string?)e.Attribute("title")).Single(title => title is not null));
            // Float images are stretched over what they hold.
            float[] shown = pixels[(image * 64)..((image + 1) * 64)];
            (float least, float most) = (shown.Min(), shown.Max());
            byte[] decoded = PngDecoder.Decode(Convert.FromBase64String(picture.Attribute("src")!.Value["data:image/png;base64,".Length..])).Pixels;
            Assert.All(shown.Zip(decoded), pair => Assert.Equal(255 * (pair.First - least) / (most - least), pair.Second, 0.51));
        }
        string[] cells = [.. html.Elements("svg", "chart").Single(svg => svg.Attribute("aria-label")!.Value == "confusion matrix").Descendants()
            .Where(IsNamed("title")).Select(title => title.Value)];
        Assert.Equal(Enumerable.Range(0, Classes * Classes).Select(cell =>
            $"{cell / Classes} taken for {cell % Classes}: {confusion[cell / Classes, cell % Classes]} of {Images / Classes}"), cells);
    }

    [Fact]
    public void ABestThatTheMovingAverageReachedIsTheReportsBest()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, Images, Classes);
        Train(folder, "run", "--lr", "0.5", "--epochs", "8", "--ema", "0.8");
        List<JsonElement> epochs = Epochs(folder.File("run/run.jsonl"));
        JsonElement best = epochs.MaxBy(Best);
        Assert.True(Best(best) > epochs.Max(epoch => Accuracy(epoch, "testAccuracy")));
        XDocument html = SvgReading.Parse(File.ReadAllText(folder.File("run/report.html")));
        Dictionary<string, string> facts = html.Descendants().Where(IsNamed("dt"))
            .ToDictionary(term => term.Value, term => term.ElementsAfterSelf().First().Value);
        Assert.Equal($"{Percent(Best(best))} of the moving average after epoch {best.GetProperty("epoch")}", facts["best test accuracy"]);
        Assert.Equal(Percent(Accuracy(epochs[^1], "emaTestAccuracy")), facts["moving average"]);
    }

    /// <summary>The runs that are checked in hold their logs packed; docs/measurements says what they reached.</summary>
    [Fact]
    public void PackedLogsAreRead()
    {
        string measured = Path.Combine(RepositoryRoot.Path, "docs/measurements/2026-11-21-amd-epyc-2-cores");
        if (!Directory.Exists(measured))
            return;
        using TemporaryFolder folder = new();
        _ = CliRun.Success(["report", .. new[] { "fashion-fast-seed1", "fashion-fast-seed2", "fashion-fast-seed3", "fashion-best-seed1" }
            .Select(run => Path.Combine(measured, run)), "--out", folder.File("comparison.html")]);
        string[][] rows = Rows(SvgReading.Parse(File.ReadAllText(folder.File("comparison.html"))).Elements("table", "results").Single());
        Assert.Equal(["fashion-fast-seed1", "fashion-fast-seed2", "fashion-fast-seed3", "fashion-best-seed1"], rows[1..].Select(row => row[0]));
        Assert.Equal(["92.69 %", "93.1 %", "93.02 %", "94.36 %"], rows[1..].Select(row => row[1]));
        Assert.Equal("94.47 % (epoch 23)", rows[4][2]);
    }

    [Fact]
    public void APackedLogIsTheLogAndADamagedOneIsRefused()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, Images, Classes);
        Train(folder, "run", "--lr", "0.05", "--steps", "3");
        _ = CliRun.Success("report", folder.File("run"), "--out", folder.File("plain.html"));
        byte[] log = File.ReadAllBytes(folder.File("run/run.jsonl"));
        using (GZipStream gzip = new(File.Create(folder.File("run/run.jsonl.gz")), CompressionLevel.Fastest))
            gzip.Write(log);
        File.Delete(folder.File("run/run.jsonl"));
        _ = CliRun.Success("report", folder.File("run"), "--out", folder.File("packed.html"));
        Assert.Equal(File.ReadAllText(folder.File("plain.html")), File.ReadAllText(folder.File("packed.html")));
        Assert.Contains($"wrote {folder.File("run/run.html")}", CliRun.Success("report", folder.File("run/run.jsonl.gz")), StringComparison.Ordinal);

        byte[] packed = File.ReadAllBytes(folder.File("run/run.jsonl.gz"));
        File.WriteAllBytes(folder.File("run/run.jsonl.gz"), packed[..^20]);
        Assert.Contains("run.jsonl.gz: not a readable gzip file", CliRun.Refusal("report", folder.File("run")), StringComparison.Ordinal);
    }

    /// <summary>A report names the commit that it was built from, where there is one, and the build.</summary>
    [Fact]
    public void AReportNamesTheProgramsBuild()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, Images, Classes);
        Train(folder, "run", "--lr", "0.05", "--steps", "1");
        string[][] versions = Rows(SvgReading.Parse(File.ReadAllText(folder.File("run/report.html"))).Elements("section", "reproduction").Single());
        bool isCheckout = Path.Exists(Path.Combine(RepositoryRoot.Path, ".git"));
        Assert.Matches(isCheckout ? @"^\d+\.\d+\.\d+\+[0-9a-f]{12}$" : @"^\d+\.\d+\.\d+", versions.Single(row => row[0] == "cudnnresnet")[1]);
        Assert.Matches("^[0-9a-f]{12}$", versions.Single(row => row[0] == "build")[1]);
    }

    private static void Train(TemporaryFolder folder, string run, params string[] flags) =>
        CliRun.Success(["train", "--data", $"npy:{folder.Path}", "--test-data", $"npy:{folder.Path}", .. SmallData.Network, "--batch", "6",
            "--seed", "7", "--schedule", "constant", .. flags, "--out", folder.File(run), .. CliRun.OnReference]);

    private static List<JsonElement> Epochs(string log)
    {
        List<JsonElement> epochs = [];
        foreach (string line in File.ReadLines(log).Where(line => line.StartsWith("{\"kind\":\"epoch\"", StringComparison.Ordinal) && line.EndsWith('}')))
            epochs.Add(JsonDocument.Parse(line).RootElement);
        return epochs;
    }

    private static double Best(JsonElement epoch) => Math.Max(Accuracy(epoch, "testAccuracy"), Accuracy(epoch, "emaTestAccuracy"));

    private static double Accuracy(JsonElement epoch, string name) => epoch.TryGetProperty(name, out JsonElement value) ? value.GetDouble() : 0;

    private static string Percent(double fraction) => $"{(100 * fraction).ToString("0.0#", CultureInfo.InvariantCulture)} %";

    private static Func<XElement, bool> IsNamed(string name) => element => element.Name.LocalName == name;

    private static string[][] Rows(XElement table) =>
        [.. table.Descendants().Where(IsNamed("tr")).Select(row => row.Elements().Select(cell => cell.Value).ToArray())];
}
