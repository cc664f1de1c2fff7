namespace CudnnResNet;

/// <summary>The CRC of gzip and zip: RFC 1952, section 8.</summary>
internal struct Crc32
{
    private static readonly uint[] Table = MakeTable();

    private uint _value;

    /// <summary>Of all bytes appended so far.</summary>
    public readonly uint Value => _value;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~_value;
        foreach (byte b in bytes)
            crc = Table[(byte)(crc ^ b)] ^ (crc >> 8);
        _value = ~crc;
    }

    private static uint[] MakeTable()
    {
        var table = new uint[256];
        for (uint i = 0; i < table.Length; i++)
        {
            uint c = i;
            for (int bit = 0; bit < 8; bit++)
                c = (c & 1) != 0 ? 0xEDB88320 ^ (c >> 1) : c >> 1;
            table[i] = c;
        }
        return table;
    }
}
