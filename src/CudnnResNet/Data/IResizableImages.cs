namespace CudnnResNet.Data;

/// <summary>A data set that has its images in other sizes.</summary>
public interface IResizableImages : IDataSet
{
    /// <summary>The same images, <paramref name="side"/> pixels high and wide, of the same content.</summary>
    /// <exception cref="ResNetException">There are no images of that size.</exception>
    IDataSet WithSize(int side);
}
