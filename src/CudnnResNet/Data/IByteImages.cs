namespace CudnnResNet.Data;

/// <summary>A data set whose images are bytes before they are normalised: <see cref="IDataSet.ReadImage"/> delivers them divided by 255.</summary>
public interface IByteImages : IDataSet
{
    /// <summary>Writes one image as uint8 [Height, Width, Channels].</summary>
    /// <exception cref="DamagedImageException">The image cannot be read.</exception>
    void ReadBytes(int index, Span<byte> hwc);
}
