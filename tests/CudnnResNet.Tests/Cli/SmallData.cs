using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Cli;

/// <summary>A data set of grey 8 x 8 images, and a network for it, small enough for the reference backend.</summary>
internal static class SmallData
{
    private const int Size = 8;

    public static readonly string[] Network = ["--model", "resnet18", "--width", "4"];

    public static void Write(TemporaryFolder folder, int images, int classes)
    {
        NpyFiles.WriteImages(folder, "images.npy", [images, 1, Size, Size], GoldenFill.Input("small", images * Size * Size));
        NpyFiles.WriteLabels(folder, [.. Enumerable.Range(0, images).Select(i => (long)(i % classes))]);
    }
}
