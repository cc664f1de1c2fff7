namespace CudnnResNet.Imaging.Records;

/// <summary>How a record holds its image.</summary>
public enum RecordEncoding
{
    /// <summary>uint8 [Height, Width, 3].</summary>
    Raw,

    /// <summary>A JPEG file.</summary>
    Jpeg,
}
