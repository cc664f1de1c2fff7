using CudnnResNet.Data;
using CudnnResNet.Models;
using CudnnResNet.Onnx;
using CudnnResNet.Onnx.Format;
using CudnnResNet.Tests.Weights;
using Google.Protobuf;

namespace CudnnResNet.Tests.Cli;

/// <summary>An ONNX model whose weights lie in another file is read by every command that reads weights, and only where that is allowed.</summary>
public class ExternalDataTests
{
    private static readonly ResNetSpec Spec = ResNetSpec.Standard(20) with { Width = 2, InputChannels = 1, Classes = 10 };

    [Fact]
    public void EveryCommandReadsThemWhereAllowed()
    {
        using TemporaryFolder folder = new();
        string whole = folder.File("whole.onnx"), split = folder.File("split.onnx");
        OnnxWriter.Write(whole, Spec, SmallNetworks.Draw(Spec), fold: false);
        Split(whole, split);
        float[] pixels = new float[2 * 28 * 28];
        Random random = new(5);
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = random.NextSingle();
        NpyFile.Write(folder.File("x.npy"), [2, 1, 28, 28], pixels);
        string[] predict = ["predict", "--tensor", folder.File("x.npy"), .. CliRun.OnReference];
        CliRun.Success([.. predict, "--weights", whole, "--out", folder.File("whole.npy")]);
        CliRun.Success([.. predict, "--weights", split, "--external-data", "--out", folder.File("split.npy")]);
        Assert.Equal(NpyFile.Read(folder.File("whole.npy")).Data, NpyFile.Read(folder.File("split.npy")).Data);

        string[][] others =
        [
            ["eval", "--weights", split, "--data", "fashion-mnist-subset", .. CliRun.OnReference],
            ["bench", "infer", "--weights", split, "--image-size", "28", "--seconds", "0", "--warmup", "0", .. CliRun.OnReference],
            ["train", "--init", split, "--data", "fashion-mnist-subset", "--test-data", "none", "--steps", "1", "--batch", "4",
                "--no-report", "--out", folder.File("run"), .. CliRun.OnReference],
            ["summary", "--weights", split],
            ["inspect", split],
            ["convert", split, folder.File("out.safetensors")],
        ];
        Assert.Contains("--external-data", CliRun.Refusal([.. predict, "--weights", split, "--out", folder.File("y.npy")]), StringComparison.Ordinal);
        foreach (string[] command in others)
        {
            if (command[0] != "inspect")
                Assert.Contains("--external-data", CliRun.Refusal(command), StringComparison.Ordinal);
            CliRun.Success([.. command, "--external-data"]);
        }
    }

    /// <summary>Weights that bench is given are those that it runs: their network, of a size that no flag names.</summary>
    [Fact]
    public void BenchRunsTheNetworkOfItsWeights()
    {
        using TemporaryFolder folder = new();
        OnnxWriter.Write(folder.File("w.onnx"), Spec, SmallNetworks.Draw(Spec), fold: true);
        Assert.Contains("\"model\":\"resnet20\"", CliRun.Success(["bench", "train", "--weights", folder.File("w.onnx"), "--batch", "2", "--image-size", "28",
            "--seconds", "0", "--warmup", "0", "--json", .. CliRun.OnReference]).Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("about weights, and none are given", CliRun.Refusal(["bench", "infer", "--external-data", .. CliRun.OnReference]), StringComparison.Ordinal);
    }

    private static void Split(string from, string to)
    {
        ModelProto model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(from));
        using FileStream data = File.Create(to + ".data");
        foreach (TensorProto tensor in model.Graph.Initializer)
        {
            byte[] bytes = tensor.RawData.ToByteArray();
            tensor.RawData = ByteString.Empty;
            tensor.DataLocation = 1;
            foreach ((string key, string value) in new[] { ("location", Path.GetFileName(to) + ".data"), ("offset", $"{data.Position}"), ("length", $"{bytes.Length}") })
                tensor.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
            data.Write(bytes);
        }
        File.WriteAllBytes(to, model.ToByteArray());
    }
}
