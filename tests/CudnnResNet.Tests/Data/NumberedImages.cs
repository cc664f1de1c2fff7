using CudnnResNet.Data;

namespace CudnnResNet.Tests.Data;

/// <summary>Images that tell who they are: every element of image i is i, plus a tenth of its place; the label is i.</summary>
internal sealed class NumberedImages(int count, int height = 1, int width = 1, int channels = 1) : IDataSet
{
    public string Name => "numbered";
    public int Count => count;
    public int Height => height;
    public int Width => width;
    public int Channels => channels;
    public int ClassCount => count;
    public IReadOnlyList<string> ClassNames { get; } = [.. Enumerable.Range(0, count).Select(i => $"{i}")];

    /// <summary>Runs before each image is read, on the reader's thread.</summary>
    public Action<int>? Reading { get; init; }

    public int Label(int index) => index;

    public void ReadImage(int index, Span<float> nhwc)
    {
        Reading?.Invoke(index);
        for (int i = 0; i < nhwc.Length; i++)
            nhwc[i] = index + i / 10f;
    }
}
