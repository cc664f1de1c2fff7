using CudnnResNet.Tensors;

namespace CudnnResNet.Data;

/// <summary>
/// A folder with images.npy (float32 [N, C, H, W], or uint8 [N, H, W, C] delivered as value / 255) and labels.npy (int64 [N],
/// classes numbered from 0).
/// </summary>
public static class NpyFolder
{
    /// <summary>A label beyond this is damage; ImageNet's largest edition has 21,841 classes.</summary>
    private const int MaxClasses = 65_536;

    /// <param name="folder">The folder.</param>
    /// <param name="classCount">The number of classes; without it, one more than the largest label.</param>
    /// <exception cref="ResNetException">A file is missing or damaged, of another type or shape, or a label is no class.</exception>
    public static IDataSet Load(string folder, int? classCount = null)
    {
        if (!Directory.Exists(folder))
            throw new ResNetException($"{folder}: no such folder; give one that holds images.npy and labels.npy");
        string imagesPath = Path.Combine(folder, "images.npy");
        string labelsPath = Path.Combine(folder, "labels.npy");
        int[] labels = ReadLabels(labelsPath, classCount ?? MaxClasses);
        string[] classNames = [.. Enumerable.Range(0, classCount ?? labels.Max() + 1).Select(i => $"{i}")];

        NpyArray images = NpyFile.Read(imagesPath);
        bool bytes = images.Type == DataType.UInt8;
        if (images.Shape.Length != 4 || images.Type is not (DataType.Float32 or DataType.UInt8))
            throw new ResNetException($"{imagesPath}: holds {Describe(images)}; f32 (N, C, H, W) or u8 (N, H, W, C) is needed");
        if (images.Data.Length == 0)
            throw new ResNetException($"{imagesPath}: {Describe(images)} holds no pixels; every extent must be 1 or more");
        // The data are in memory and not empty, so every extent fits an int.
        int Extent(int axis) => (int)images.Shape[axis];
        return bytes
            ? new ByteImageSet(folder, images.Data, (Extent(1), Extent(2), Extent(3)), labels, classNames)
            : new FloatImageSet(folder, images.AsFloats(), (Extent(2), Extent(3), Extent(1)), labels, classNames);
    }

    private static int[] ReadLabels(string path, int classCount)
    {
        NpyArray array = NpyFile.Read(path);
        if (array.Type != DataType.Int64 || array.Shape.Length != 1)
            throw new ResNetException($"{path}: holds {Describe(array)}; i64 (N,) is needed");
        ReadOnlySpan<long> values = array.AsInt64s();
        if (values.IsEmpty)
            throw new ResNetException($"{path}: holds no labels; a data set needs at least one");
        var labels = new int[values.Length];
        for (int i = 0; i < labels.Length; i++)
        {
            if (values[i] < 0 || values[i] >= classCount)
                throw new ResNetException($"{path}: label {values[i]} of image {i} is not from 0 to {classCount - 1}");
            labels[i] = (int)values[i];
        }
        return labels;
    }

    private static string Describe(NpyArray array) => $"{array.Type.ShortName()} ({string.Join(", ", array.Shape)})";
}
