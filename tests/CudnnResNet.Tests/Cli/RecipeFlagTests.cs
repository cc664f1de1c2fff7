using System.Text.Json;
using System.Text.RegularExpressions;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cli;

/// <summary>Flags of the recipe that contradict each other or have no meaning are refused, and what is used is logged.</summary>
public class RecipeFlagTests
{
    [Theory]
    [InlineData("--lr and --schedule linear", "--schedule", "linear", "--points", "0:0,1:1", "--lr", "0.1")]
    [InlineData("give --points", "--schedule", "linear")]
    [InlineData("into --points", "--schedule", "linear", "--points", "0:0,1:1", "--warmup-steps", "2")]
    [InlineData("give --step-epochs", "--schedule", "step")]
    [InlineData("without --schedule linear", "--points", "0:0,1:1")]
    [InlineData("without --schedule step", "--step-epochs", "1")]
    [InlineData("--step-gamma has no effect without --schedule step", "--step-gamma", "0.5")]
    [InlineData("without --warmup-epochs", "--warmup-from", "0.1")]
    [InlineData("--warmup-epochs and --warmup-steps", "--warmup-epochs", "1", "--warmup-steps", "2")]
    [InlineData("--step-epochs is '1,x'", "--schedule", "step", "--step-epochs", "1,x")]
    [InlineData("ascending order", "--schedule", "step", "--step-epochs", "3,2")]
    [InlineData("--points is '0:1;1:0'", "--schedule", "linear", "--points", "0:1;1:0")]
    [InlineData("ascending order", "--schedule", "linear", "--points", "1:0,1:1")]
    [InlineData("leaves nothing of a run of 3", "--warmup-steps", "3")]
    [InlineData("Nesterov's needs more than 0", "--nesterov", "--momentum", "0")]
    [InlineData("use v1 or v1.5", "--zero-init-last-bn", "--version", "v2")]
    [InlineData("without --optimizer lars", "--trust-coefficient", "0.1")]
    [InlineData("--optimizer is 'adam'", "--optimizer", "adam")]
    [InlineData("trust coefficient of 0", "--optimizer", "lars", "--trust-coefficient", "0")]
    [InlineData("clip norm of -1", "--clip-norm", "-1")]
    [InlineData("moving average of 1 ", "--ema", "1")]
    [InlineData("accumulated batches of 0", "--accumulate", "0")]
    [InlineData("leave out the accumulation", "--accumulate", "2", "--dump-gradients", "gradients.safetensors")]
    [InlineData("between evaluations of 0", "--eval-every", "0")]
    [InlineData("patience of 0", "--patience", "0")]
    public void IsRefused(string reason, params string[] flags)
    {
        using TemporaryFolder folder = new();
        Assert.Contains(reason, CliRun.Refusal(Arguments(folder, flags)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("learning rate", "0.2, cosine, warm-up from 0.002 over 2 steps", "--lr", "0.2", "--warmup-steps", "2")]
    [InlineData("learning rate", "0.1, times 0.1 after epochs 1,2, warm-up from 0.05 over 0.5 epochs",
        "--schedule", "step", "--step-epochs", "1,2", "--warmup-epochs", "0.5", "--warmup-from", "0.05")]
    [InlineData("learning rate", "linear 0:0,1:0.4 (epoch:rate)", "--schedule", "linear", "--points", "0:0,1:0.4")]
    [InlineData("optimizer", "LARS, trust coefficient 0.001", "--optimizer", "lars")]
    [InlineData("weight decay", "0.0005, not on batch norms and biases", "--optimizer", "lars")]
    [InlineData("weight decay", "0.01, not on batch norms and biases", "--weight-decay", "0.01", "--no-decay-bn-bias")]
    [InlineData("gradient clipping", "norm 0.5 at most", "--clip-norm", "0.5")]
    [InlineData("moving average", "decay 0.99", "--ema", "0.99")]
    [InlineData("batch", "8, accumulated from 2 of 4", "--accumulate", "2")]
    [InlineData("evaluation", "every 2 epochs, stop after 3 without a better one", "--eval-every", "2", "--patience", "3")]
    [InlineData("label smoothing", "0.1", "--label-smoothing", "0.1")]
    [InlineData("momentum", "0.8, Nesterov", "--nesterov", "--momentum", "0.8")]
    [InlineData("learning-rate factors", "layer4 0.3, fc 1, all others 0.1", "--lr-factors", "layer4=0.3,backbone=0.1")]
    [InlineData("learning-rate factors", "none")]
    [InlineData("batch norms", "trained")]
    [InlineData("fresh weights", "last batch norm of each branch at zero", "--zero-init-last-bn")]
    public void IsLogged(string name, string expected, params string[] flags)
    {
        using TemporaryFolder folder = new();
        _ = CliRun.Success(Arguments(folder, flags));
        JsonElement header = TrainCommandTests.ReadLog(folder.File("out/run.jsonl"))[0];
        Assert.Equal(expected, header.GetProperty("options").GetProperty(name).GetString());
    }

    [Fact]
    public void FrozenBatchNormsAreLogged()
    {
        using TemporaryFolder folder = new();
        string[] train = Arguments(folder, []);
        _ = CliRun.Success(train);
        string[] frozen = [.. train[..^(CliRun.OnReference.Length + 1)], folder.File("frozen"), "--init", folder.File("out/last.safetensors"),
            "--frozen-batch-norm", "--lr", "0", .. CliRun.OnReference];
        _ = CliRun.Success(frozen);
        JsonElement header = TrainCommandTests.ReadLog(folder.File("frozen/run.jsonl"))[0];
        Assert.Equal("frozen", header.GetProperty("options").GetProperty("batch norms").GetString());
    }

    /// <summary>A step at rate 0 leaves the fresh weights: the second batch norm is the last of a basic block.</summary>
    [Theory]
    [InlineData(1f)]
    [InlineData(0f, "--zero-init-last-bn")]
    public void TheLastBatchNormsBeginAtZeroWhereAsked(float expected, params string[] flags)
    {
        using TemporaryFolder folder = new();
        _ = CliRun.Success(Arguments(folder, ["--lr", "0", .. flags]));
        TensorFile saved = Safetensors.Read(folder.File("out/last.safetensors"));
        int blocks = 0;
        foreach (NamedTensor gamma in saved.Tensors.Where(tensor => Regex.IsMatch(tensor.Name, @"^(layer\d\.\d\.)?bn\d\.weight$|^layer\d\.\d\.downsample\.1\.weight$")))
        {
            bool isLast = gamma.Name.EndsWith("bn2.weight", StringComparison.Ordinal);
            blocks += isLast ? 1 : 0;
            Assert.All(gamma.ToFloats(), value => Assert.Equal(isLast ? expected : 1, value));
        }
        Assert.Equal(8, blocks);
    }

    [Fact]
    public void ZerosForGivenWeightsAreRefused()
    {
        using TemporaryFolder folder = new();
        _ = CliRun.Success(Arguments(folder, []));
        string[] train = Arguments(folder, ["--init", folder.File("out/last.safetensors"), "--zero-init-last-bn"]);
        train[Array.IndexOf(train, folder.File("out"))] = folder.File("other");
        Assert.Contains("--zero-init-last-bn is about fresh weights, and --init gives others", CliRun.Refusal(train), StringComparison.Ordinal);
    }

    private static string[] Arguments(TemporaryFolder folder, string[] flags)
    {
        SmallData.Write(folder, images: 8, classes: 2);
        return ["train", "--data", $"npy:{folder.Path}", "--test-data", flags.Contains("--patience") ? $"npy:{folder.Path}" : "none", .. SmallData.Network, "--batch", "4", "--steps", "3",
            "--out", folder.File("out"), .. flags, .. CliRun.OnReference];
    }
}
