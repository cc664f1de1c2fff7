namespace CudnnResNet.Data;

/// <summary>What every kind of image set checks about its geometry and labels.</summary>
internal static class ImageLabels
{
    /// <exception cref="ResNetException">Nothing there, counts that differ, or a label that is no class.</exception>
    public static void Check(string name, long elements, int imageElements, ReadOnlySpan<int> labels, int classCount)
    {
        if (imageElements <= 0 || labels.IsEmpty)
            throw new ResNetException($"{name}: holds no images; a data set needs at least one");
        if (elements % imageElements != 0 || elements / imageElements != labels.Length)
            throw new ResNetException($"{name}: {elements / imageElements} images but {labels.Length} labels; their numbers must agree");
        for (int i = 0; i < labels.Length; i++)
        {
            if ((uint)labels[i] >= (uint)classCount)
                throw new ResNetException($"{name}: image {i} has label {labels[i]}, but there are {classCount} classes, numbered from 0");
        }
    }
}
