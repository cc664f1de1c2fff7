using CudnnResNet.Cli.Commands;
using CudnnResNet.Data;
using CudnnResNet.Inference;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cli;

public class PredictCommandTests
{
    private const int Images = 5;
    private const int Size = 9;
    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 4, Classes = 3, Stem = ResNetStem.Cifar };
    private static readonly string[] Network = ["--model", "resnet18", "--width", "4", "--classes", "3", "--stem", "cifar"];

    /// <summary>Whatever the batch, and with the network read off the weights or given, the logits are those of a session.</summary>
    [Theory]
    [InlineData()]
    [InlineData("--batch", "2")]
    [InlineData("--batch", "7")]
    public void LogitsAreThoseOfASession(params string[] batch)
    {
        using TemporaryFolder folder = new();
        double[] nchw = GoldenFill.Input("predict", Images * 3 * Size * Size);
        NpyFiles.WriteImages(folder, "in.npy", [Images, 3, Size, Size], nchw);
        float[] expected = OfSession(folder.File("w.safetensors"), nchw);
        foreach (string[] network in (string[][])[[], Network])
        {
            _ = CliRun.Success(["predict", "--weights", folder.File("w.safetensors"), "--tensor", folder.File("in.npy"),
                "--out", folder.File("out.npy"), .. batch, .. network, .. CliRun.OnReference]);
            NpyArray logits = NpyFile.Read(folder.File("out.npy"));
            Assert.Equal([Images, 3L], logits.Shape);
            Assert.Equal(expected, logits.AsFloats().ToArray());
        }
    }

    [Fact]
    public void WhatDoesNotFitIsRefused()
    {
        using TemporaryFolder folder = new();
        double[] nchw = GoldenFill.Input("predict", Images * 3 * Size * Size);
        _ = OfSession(folder.File("w.safetensors"), nchw);
        NpyFiles.WriteImages(folder, "in.npy", [Images, 3, Size, Size], nchw);
        NpyFiles.WriteImages(folder, "rank3.npy", [Images * 3, Size, Size], nchw);
        NpyFiles.WriteImages(folder, "grey.npy", [Images * 3, 1, Size, Size], nchw);
        NpyFiles.WriteImages(folder, "none.npy", [0, 3, Size, Size], []);
        NpyFiles.WriteBytes(folder.File("bytes.npy"), $"1, 3, {Size}, {Size}", new byte[3 * Size * Size]);

        Assert.Contains("rank3.npy holds f32 [15, 9, 9]; float32 [N, C, H, W] is needed", Refusal("rank3.npy"), StringComparison.Ordinal);
        Assert.Contains("1 channels where the network takes 3", Refusal("grey.npy"), StringComparison.Ordinal);
        Assert.Contains("no pixels", Refusal("none.npy"), StringComparison.Ordinal);
        Assert.Contains("bytes.npy holds u8", Refusal("bytes.npy"), StringComparison.Ordinal);
        Assert.Contains("no such .npy file", Refusal("absent.npy"), StringComparison.Ordinal);
        Assert.Contains("--batch is 0", Refusal("in.npy", "--batch", "0"), StringComparison.Ordinal);
        Assert.Contains("does not fit the network", Refusal("in.npy", "--model", "resnet34"), StringComparison.Ordinal);
        Assert.Contains("fc.weight [3,32] instead of [4,32]", Refusal("in.npy", "--classes", "4"), StringComparison.Ordinal);
        Assert.False(File.Exists(folder.File("out.npy")));

        File.WriteAllBytes(folder.File("cut.safetensors"), File.ReadAllBytes(folder.File("w.safetensors"))[..^1]);
        Assert.Contains("cut.safetensors", CliRun.Refusal(["predict", "--weights", folder.File("cut.safetensors"),
            "--tensor", folder.File("in.npy"), "--out", folder.File("out.npy"), .. CliRun.OnReference]), StringComparison.Ordinal);

        string Refusal(string tensor, params string[] more) => CliRun.Refusal(["predict", "--weights", folder.File("w.safetensors"),
            "--tensor", folder.File(tensor), "--out", folder.File("out.npy"), .. more, .. CliRun.OnReference]);
    }

    /// <summary>Draws weights, writes them, and computes the logits without the command line.</summary>
    private static float[] OfSession(string path, double[] nchw)
    {
        using ReferenceBackend backend = new(2);
        using InferenceSession session = InferenceSession.Create(Spec, Images, Size, Size, Precision.Fp32, backend, GoldenNetwork.Untuned);
        NetworkWeights weights = WeightInitialization.Create(session.ExpectedWeights, seed: 3);
        Safetensors.Write(path, [.. weights.Tensors.Values]);
        session.LoadWeights(weights);
        float[] nhwc = new float[nchw.Length];
        for (int n = 0; n < Images; n++)
            for (int c = 0; c < 3; c++)
                for (int i = 0; i < Size * Size; i++)
                    nhwc[(n * Size * Size + i) * 3 + c] = (float)nchw[(n * 3 + c) * Size * Size + i];
        float[] logits = new float[session.LogitElements];
        session.Run(nhwc, logits);
        return logits;
    }

    [Fact]
    public void MoreLogitsThanAnArrayHoldsAreRefused()
    {
        Assert.Equal(2_000_000_000, PredictCommand.LogitElements("out.npy", 2_000_000, 1000));
        Assert.Contains("out.npy: would hold 4295000000 logits",
            Assert.Throws<ResNetException>(() => PredictCommand.LogitElements("out.npy", 4_295_000, 1000)).Message, StringComparison.Ordinal);
    }
}
