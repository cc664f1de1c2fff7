using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Cli;

/// <summary>What is wrong with a call is said in one line on standard error, and the exit code is 2.</summary>
public class CommandLineTests
{
    [Theory]
    [InlineData("'bogus'", "bogus")]
    [InlineData("--bogus", "train", "--bogus")]
    [InlineData("--data is missing", "train")]
    [InlineData("--lr is 'abc'; give a number", "train", "--data", "fashion-mnist-subset", "--lr", "abc")]
    [InlineData("--lr is 'NaN'", "train", "--data", "fashion-mnist-subset", "--lr", "NaN")]
    [InlineData("learning rate of -1", "train", "--data", "fashion-mnist-subset", "--lr", "-1")]
    [InlineData("--batch is '1.5'; give a whole number", "train", "--data", "fashion-mnist-subset", "--batch", "1.5")]
    [InlineData("--batch is '0'; give a whole number from 1 to 2147483647, or auto", "train", "--data", "fashion-mnist-subset", "--batch", "0")]
    [InlineData("label smoothing of 1", "train", "--data", "fashion-mnist-subset", "--label-smoothing", "1")]
    [InlineData("--epochs and --steps", "train", "--data", "fashion-mnist-subset", "--epochs", "1", "--steps", "1")]
    [InlineData("--schedule is 'triangle'; give one of constant, cosine", "train", "--data", "fashion-mnist-subset", "--schedule", "triangle")]
    [InlineData("--schedule linear has no points", "train", "--data", "fashion-mnist-subset", "--schedule", "linear")]
    [InlineData("--data is 'mnist'; give fashion-mnist, fashion-mnist-subset", "train", "--data", "mnist")]
    [InlineData("--data-root", "train", "--data", "fashion-mnist-subset", "--data-root", "/tmp")]
    [InlineData("--classes 10", "train", "--data", "fashion-mnist-subset", "--classes", "5", "--device", "reference")]
    [InlineData("give one of auto, resnet18, resnet34, resnet50, resnet101, resnet152, resnet200", "summary", "--model", "resnet51")]
    [InlineData("--version is 'v3'; give one of v1, v1.5, v2", "summary", "--version", "v3")]
    [InlineData("--stem is 'Cifar'; give one of imagenet, cifar, nodown", "summary", "--stem", "Cifar")]
    [InlineData("0 classes", "summary", "--classes", "0")]
    [InlineData("images of 0 x 0", "summary", "--image-size", "0")]
    [InlineData("--device is 'cuda:x'", "train", "--data", "fashion-mnist-subset", "--device", "cuda:x")]
    [InlineData("The native path '/nonexistent' is not a folder", "plan", "--device", "cuda", "--native-path", "/nonexistent")]
    [InlineData("--device is 'gpu'", "train", "--data", "fashion-mnist-subset", "--device", "gpu")]
    [InlineData("--precision is 'fp8'", "train", "--data", "fashion-mnist-subset", "--precision", "fp8")]
    [InlineData("--precision bf16: the reference backend has fp32 and fp64 only",
        "train", "--data", "fashion-mnist-subset", "--precision", "bf16", "--device", "reference")]
    [InlineData("--threads is 0", "train", "--data", "fashion-mnist-subset", "--threads", "0")]
    [InlineData("no such file of weights", "train", "--data", "fashion-mnist-subset", "--init", "/nonexistent.safetensors")]
    [InlineData("no such safetensors file", "train", "--data", "fashion-mnist-subset", "--resume", "/nonexistent.safetensors")]
    [InlineData("no such folder", "train", "--data", "npy:/nonexistent")]
    [InlineData("the folder /nonexistent does not exist", "train", "--data", "fashion-mnist-subset", "--log", "/nonexistent/run.jsonl")]
    [InlineData("cannot be made", "train", "--data", "fashion-mnist-subset", "--out", "/proc/nonexistent/out")]
    [InlineData("--patience counts evaluations", "train", "--data", "fashion-mnist-subset", "--test-data", "none", "--patience", "2")]
    [InlineData("--frozen-batch-norm keeps the running statistics", "train", "--data", "fashion-mnist-subset", "--frozen-batch-norm")]
    [InlineData("for 'bakcbone', and the network has no such part; its parts are conv1, bn1, layer1, layer2, layer3, layer4, fc",
        "train", "--data", "fashion-mnist-subset", "--lr-factors", "bakcbone=0", "--model", "resnet18", "--width", "4", "--device", "reference",
        "--out", "/tmp/never-begun", "--no-report")]
    [InlineData("do not fill one batch", "train", "--data", "fashion-mnist-subset", "--batch", "7000", "--device", "reference", "--no-report")]
    [InlineData("more than any memory holds", "plan", "--model", "resnet18", "--batch", "2147483647", "--image-size", "2147483647", "--device", "reference")]
    [InlineData("A network with 100000000 width cannot be built; give at least 1, at most 65536", "summary", "--width", "100000000")]
    [InlineData("--epochs is '99999999999'; give a whole number, at most 2147483647", "train", "--data", "fashion-mnist-subset", "--epochs", "99999999999")]
    [InlineData("give bench infer or bench train", "bench")]
    [InlineData("--samples has no effect without --json", "bench", "infer", "--samples")]
    [InlineData("--weights is missing", "predict", "--tensor", "in.npy", "--out", "out.npy")]
    [InlineData("/nonexistent does not exist", "predict", "--weights", "w", "--tensor", "in.npy", "--out", "/nonexistent/out.npy")]
    public void ARefusalIsOneLine(string expected, params string[] arguments) =>
        Assert.Contains(expected, CliRun.Refusal(arguments), StringComparison.Ordinal);

    [Fact]
    public void WithoutAGpuTheReasonIsOneLine()
    {
        if (CudnnResNet.Cuda.CudaProbe.Run().Refusal is { } reason)
            Assert.Equal(reason, CliRun.Refusal("train", "--data", "fashion-mnist-subset", "--device", "cuda"));
    }

    [Fact]
    public void DoubleIsNotOneDnns()
    {
        if (CudnnResNet.OneDnn.OneDnnBackend.Probe().IsAvailable)
            Assert.Contains("--precision fp64: oneDNN does not compute fp64; use the reference backend",
                CliRun.Refusal("train", "--data", "fashion-mnist-subset", "--precision", "fp64", "--device", "onednn"), StringComparison.Ordinal);
    }

    [Fact]
    public void LabelsBeyondTheClassesAreNamed()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 6, classes: 3);
        Assert.Contains("label 2 of image 2", CliRun.Refusal(["train", "--data", $"npy:{folder.Path}", "--classes", "2", .. CliRun.OnReference]),
            StringComparison.Ordinal);
    }

    [Fact]
    public void ADataSetSmallerThanOneBatchIsRefused()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 6, classes: 3);
        Assert.Contains("6 images do not fill one batch of 7", CliRun.Refusal(["train", "--data", $"npy:{folder.Path}", .. SmallData.Network,
            "--batch", "7", "--out", folder.File("out"), .. CliRun.OnReference]), StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutACommandTheHelpIsShown()
    {
        string help = CliRun.Success();
        foreach (string command in (string[])["train", "eval", "predict", "summary", "doctor"])
            Assert.Contains($"  {command} ", help, StringComparison.Ordinal);
    }
}
