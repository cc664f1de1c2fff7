using System.Text.Json;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cli;

/// <summary>Runs with a moving average of the weights, evaluated now and then, and stopped when they get no better.</summary>
public class AverageCommandTests
{
    /// <summary>
    /// best.safetensors is the better of both, at its best epoch: eval finds there the accuracy that the log has. A slow
    /// average stays behind the weights; one of weights that are thrown about is ahead of them.
    /// </summary>
    [Theory]
    [InlineData("0.1", "0.995", false)]
    [InlineData("0.5", "0.8", true)]
    public void TheBetterOneIsKept(string rate, string decay, bool averageWins)
    {
        using TemporaryFolder folder = new();
        _ = CliRun.Success([.. Train(folder, "out", rate), "--schedule", "constant", "--epochs", "8", "--ema", decay]);
        List<JsonElement> epochs = Epochs(folder.File("out/run.jsonl"));
        Assert.Equal(8, epochs.Count);
        JsonElement best = epochs.MaxBy(epoch => Math.Max(Accuracy(epoch, "testAccuracy"), Accuracy(epoch, "emaTestAccuracy")));
        (double weights, double average) = (Accuracy(best, "testAccuracy"), Accuracy(best, "emaTestAccuracy"));
        Assert.Equal(averageWins, average > weights);
        Assert.Equal(Math.Max(weights, average), Evaluate(folder, "out/best.safetensors"));

        Assert.Equal(Accuracy(epochs[^1], "testAccuracy"), Evaluate(folder, "out/last.safetensors"));
        Assert.Equal(Accuracy(epochs[^1], "emaTestAccuracy"), Evaluate(folder, "out/last.safetensors", "--ema"));
    }

    [Fact]
    public void AnAverageThatIsNotThereIsRefused()
    {
        using TemporaryFolder folder = new();
        _ = CliRun.Success([.. Train(folder, "out"), "--steps", "1"]);
        string error = CliRun.Refusal(["eval", "--weights", folder.File("out/last.safetensors"), "--ema",
            "--data", $"npy:{folder.Path}", .. CliRun.OnReference]);
        Assert.Contains("holds no moving average", error, StringComparison.Ordinal);
        error = CliRun.Refusal([.. Train(folder, "out"), "--steps", "2", "--ema", "0.9", "--resume", folder.File("out/last.safetensors")]);
        Assert.Contains("average decay was none, is 0.9", error, StringComparison.Ordinal);
    }

    [Fact]
    public void AResumedRunContinuesTheAverage()
    {
        using TemporaryFolder folder = new();
        string[] flags = ["--schedule", "constant", "--ema", "0.9", "--clip-norm", "1", "--accumulate", "2"];
        _ = CliRun.Success([.. Train(folder, "whole"), .. flags, "--steps", "7"]);
        _ = CliRun.Success([.. Train(folder, "half"), .. flags, "--steps", "4"]);
        _ = CliRun.Success([.. Train(folder, "half"), .. flags, "--steps", "7", "--resume", folder.File("half/last.safetensors")]);
        TensorFile resumed = Safetensors.Read(folder.File("half/last.safetensors"));
        NamedTensor[] averages = [.. Safetensors.Read(folder.File("whole/last.safetensors")).Tensors
            .Where(tensor => tensor.Name.StartsWith(NetworkWeights.AveragePrefix, StringComparison.Ordinal))];
        Assert.Equal(resumed.Tensors.Count(tensor => !tensor.Name.Contains("ema.", StringComparison.Ordinal)
            && !tensor.Name.Contains("optimizer.", StringComparison.Ordinal)), averages.Length);
        foreach (NamedTensor tensor in averages)
            Assert.True(tensor.Data.Span.SequenceEqual(resumed.TryGet(tensor.Name)!.Data.Span), tensor.Name);
    }

    [Fact]
    public void EvaluationEverySoManyEpochsAndAtTheEnd()
    {
        using TemporaryFolder folder = new();
        _ = CliRun.Success([.. Train(folder, "out"), "--epochs", "5", "--eval-every", "2"]);
        Assert.Equal([false, true, false, true, true],
            Epochs(folder.File("out/run.jsonl")).Select(epoch => epoch.TryGetProperty("testAccuracy", out _)));
    }

    /// <summary>The first epochs of a run with patience are those of the one without, up to where the rule ends it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void PatienceEndsARun(int patience)
    {
        using TemporaryFolder folder = new();
        string[] flags = ["--schedule", "constant", "--epochs", "12"];
        _ = CliRun.Success([.. Train(folder, "whole"), .. flags]);
        string said = CliRun.Success([.. Train(folder, "early"), .. flags, "--patience", $"{patience}"]);
        double[] whole = [.. Epochs(folder.File("whole/run.jsonl")).Select(epoch => Accuracy(epoch, "testAccuracy"))];
        double[] early = [.. Epochs(folder.File("early/run.jsonl")).Select(epoch => Accuracy(epoch, "testAccuracy"))];

        int end = Enumerable.Range(1, whole.Length).First(n =>
            n - 1 - Array.IndexOf(whole, whole[..n].Max()) >= patience);
        Assert.InRange(end, 2, whole.Length - 1);
        Assert.Equal(whole[..end], early);
        Assert.Contains("stopped early after step", said, StringComparison.Ordinal);
    }

    private static string[] Train(TemporaryFolder folder, string name, string rate = "0.1")
    {
        SmallData.Write(folder, images: 24, classes: 3);
        return ["train", "--data", $"npy:{folder.Path}", "--test-data", $"npy:{folder.Path}", .. SmallData.Network, "--batch", "6",
            "--lr", rate, "--seed", "7", "--out", folder.File(name), .. CliRun.OnReference];
    }

    private static double Evaluate(TemporaryFolder folder, string weights, params string[] flags)
    {
        string said = CliRun.Success(["eval", "--weights", folder.File(weights), "--data", $"npy:{folder.Path}", "--json",
            .. flags, .. CliRun.OnReference]);
        return JsonDocument.Parse(said).RootElement.GetProperty("accuracy").GetDouble();
    }

    private static double Accuracy(JsonElement epoch, string name) => epoch.GetProperty(name).GetDouble();

    private static List<JsonElement> Epochs(string log) => [.. TrainCommandTests.ReadLog(log)
        .Where(line => line.TryGetProperty("kind", out JsonElement kind) && kind.GetString() == "epoch")];
}
