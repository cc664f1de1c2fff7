namespace CudnnResNet.Imaging.Records;

/// <summary>CRC-32 as gzip and PNG compute it.</summary>
internal static class Checksum
{
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        Crc32 crc = new();
        crc.Append(bytes);
        return crc.Value;
    }
}
