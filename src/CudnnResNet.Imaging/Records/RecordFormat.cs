namespace CudnnResNet.Imaging.Records;

/// <summary>
/// The layout of a records file, all numbers little-endian:
/// header (64 bytes); for each image an entry (40 bytes) and behind it its bytes, from a multiple of 64; the class names as
/// UTF-8 lines; the index, which is all entries once more; and 64 bytes of zeros. The header is completed last: it says
/// where names and index lie, and holds checksums of itself and of both.
/// </summary>
internal static class RecordFormat
{
    public const int HeaderBytes = 64;
    public const int EntryBytes = 40;
    public const int Alignment = 64;
    public const int TailBytes = 64;
    public const int MaxSide = 65_535;

    public static ReadOnlySpan<byte> Magic => "CRNREC1\n"u8;

    public static long Align(long offset) => (offset + Alignment - 1) / Alignment * Alignment;
}
