namespace CudnnResNet.Data;

/// <summary>A pair of IDX files, images [N, H, W] or [N, H, W, C] and labels [N], as a data set.</summary>
public static class IdxImages
{
    /// <exception cref="ResNetException">A file is missing or damaged, or the two do not belong together.</exception>
    public static ByteImageSet Load(string name, string imagesPath, string labelsPath, IReadOnlyList<string> classNames)
    {
        IdxArray images = IdxFile.Read(imagesPath);
        IdxArray labels = IdxFile.Read(labelsPath);
        if (images.Shape.Length is not (3 or 4))
            throw new ResNetException($"{imagesPath}: has {images.Shape.Length} dimensions; images have 3 or 4 (N, H, W and perhaps C)");
        if (labels.Shape.Length != 1)
            throw new ResNetException($"{labelsPath}: has {labels.Shape.Length} dimensions; labels have 1");
        if (images.Data.Length == 0)
            throw new ResNetException($"{imagesPath}: {string.Join(" x ", images.Shape)} holds no pixels; every dimension must be 1 or more");
        int channels = images.Shape.Length == 4 ? images.Shape[3] : 1;
        return new ByteImageSet(name, images.Data, (images.Shape[1], images.Shape[2], channels), Array.ConvertAll(labels.Data, b => (int)b), classNames);
    }
}
