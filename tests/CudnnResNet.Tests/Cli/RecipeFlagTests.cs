using System.Text.Json;
using CudnnResNet.Tests.Weights;

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
    [InlineData("without --warmup-epochs", "--warmup-from", "0.1")]
    [InlineData("--warmup-epochs and --warmup-steps", "--warmup-epochs", "1", "--warmup-steps", "2")]
    [InlineData("--step-epochs is '1,x'", "--schedule", "step", "--step-epochs", "1,x")]
    [InlineData("ascending order", "--schedule", "step", "--step-epochs", "3,2")]
    [InlineData("--points is '0:1;1:0'", "--schedule", "linear", "--points", "0:1;1:0")]
    [InlineData("ascending order", "--schedule", "linear", "--points", "1:0,1:1")]
    [InlineData("leaves nothing of a run of 3", "--warmup-steps", "3")]
    [InlineData("Nesterov's needs more than 0", "--nesterov", "--momentum", "0")]
    [InlineData("use v1 or v1.5", "--zero-init-last-bn", "--version", "v2")]
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
    [InlineData("momentum", "0.8, Nesterov", "--nesterov", "--momentum", "0.8")]
    [InlineData("fresh weights", "last batch norm of each branch at zero", "--zero-init-last-bn")]
    public void IsLogged(string name, string expected, params string[] flags)
    {
        using TemporaryFolder folder = new();
        _ = CliRun.Success(Arguments(folder, flags));
        JsonElement header = TrainCommandTests.ReadLog(folder.File("out/run.jsonl"))[0];
        Assert.Equal(expected, header.GetProperty("options").GetProperty(name).GetString());
    }

    private static string[] Arguments(TemporaryFolder folder, string[] flags)
    {
        SmallData.Write(folder, images: 8, classes: 2);
        return ["train", "--data", $"npy:{folder.Path}", "--test-data", "none", .. SmallData.Network, "--batch", "4", "--steps", "3",
            "--out", folder.File("out"), .. flags, .. CliRun.OnReference];
    }
}
