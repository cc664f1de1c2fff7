using CudnnResNet.Graph;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cli;

/// <summary>A PyTorch run as the files and flags that the command line takes.</summary>
internal static class GoldenFiles
{
    /// <summary>Writes init.safetensors, images.npy and labels.npy; returns the flags of the network.</summary>
    public static string[] Write(TemporaryFolder folder, TrainingRun run)
    {
        TrainingRunOptions options = run.Options;
        ResNetSpec spec = new()
        {
            Depth = TrainingRun.Depth,
            Stem = ResNetStem.Cifar,
            Classes = options.Classes,
            ConvolutionBias = options.ConvBias,
        };
        WriteWeights(folder.File("init.safetensors"), spec, TrainingRun.ImageSize,
            (name, shape) => GoldenFill.Parameter(name, shape, "", TrainingRun.Depth, "v1.5"));
        NpyFiles.WriteImages(folder, "images.npy",
            [TrainingRun.Images, 3, TrainingRun.ImageSize, TrainingRun.ImageSize], TrainingRun.Input());
        NpyFiles.WriteLabels(folder, run.Labels());
        return
        [
            "--model", "resnet18", "--stem", "cifar", "--classes", $"{options.Classes}",
            "--bn-epsilon", $"{options.NormEpsilon}", "--bn-momentum", $"{options.NormMomentum}",
            .. options.ConvBias ? ["--conv-bias"] : Array.Empty<string>(),
        ];
    }

    /// <summary>Writes init.safetensors, images.npy and labels.npy; returns the flags of the network.</summary>
    public static string[] Write(TemporaryFolder folder, GoldenCase golden)
    {
        WriteWeights(folder.File("init.safetensors"), GoldenNetwork.Spec(golden), golden.ImageSize,
            (name, shape) => GoldenFill.Parameter(name, shape, golden));
        NpyFiles.WriteImages(folder, "images.npy",
            [golden.Batch, 3, golden.ImageSize, golden.ImageSize], GoldenFill.Input(golden));
        NpyFiles.WriteLabels(folder, GoldenFill.Labels(golden));
        return
        [
            "--model", $"resnet{golden.Depth}", "--version", golden.Version, "--stem", golden.Stem, "--classes", $"{golden.Classes}",
        ];
    }

    private static void WriteWeights(string path, ResNetSpec spec, int size, Func<string, long[], double[]> fill)
    {
        LayerGraph graph = ResNetGraph.Inference(spec, 2, size, size, Precision.Fp64);
        Safetensors.Write(path, [.. graph.Values.Where(value => value.Role is ValueRole.Parameter or ValueRole.State).Select(value =>
        {
            long[] shape = [.. NetworkWeights.FileShape(value.Shape)];
            return NamedTensor.FromDoubles(value.Name, shape, fill(value.Name, shape));
        })]);
    }
}
