using System.Buffers.Binary;
using System.Text;

namespace CudnnResNet.Tests.Cli.TensorBoard;

/// <summary>A field of a protobuf message on the wire: a varint or fixed number in Number, or bytes.</summary>
internal sealed record WireField(int Number, ulong Value, byte[] Bytes)
{
    public IReadOnlyList<WireField> Message => EventReader.Parse(Bytes);

    public string Text => Encoding.UTF8.GetString(Bytes);

    public float Float => BitConverter.UInt32BitsToSingle((uint)Value);

    public double Double => BitConverter.UInt64BitsToDouble(Value);
}

/// <summary>
/// Reads TensorFlow's record files and the protobuf wire format from their definitions. It shares nothing with the
/// writer: no protobuf library, and the CRC bit by bit.
/// </summary>
internal static class EventReader
{
    public static List<byte[]> Records(byte[] file)
    {
        List<byte[]> records = [];
        for (int at = 0; at < file.Length;)
        {
            int length = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at)));
            Assert.Equal(MaskedCrc(file.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)));
            byte[] data = file.AsSpan(at + 12, length).ToArray();
            Assert.Equal(MaskedCrc(data), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + length)));
            records.Add(data);
            at += 12 + length + 4;
        }

        return records;
    }

    public static List<WireField> Parse(byte[] message)
    {
        List<WireField> fields = [];
        int at = 0;
        ulong Varint()
        {
            ulong value = 0;
            for (int shift = 0; ; shift += 7)
            {
                byte next = message[at++];
                value |= (ulong)(next & 0x7F) << shift;
                if ((next & 0x80) == 0)
                    return value;
            }
        }

        while (at < message.Length)
        {
            ulong key = Varint();
            int number = (int)(key >> 3);
            switch (key & 7)
            {
                case 0:
                    fields.Add(new WireField(number, Varint(), []));
                    break;
                case 1:
                    fields.Add(new WireField(number, BinaryPrimitives.ReadUInt64LittleEndian(message.AsSpan(at)), []));
                    at += 8;
                    break;
                case 2:
                    int length = (int)Varint();
                    fields.Add(new WireField(number, 0, message[at..(at + length)]));
                    at += length;
                    break;
                case 5:
                    fields.Add(new WireField(number, BinaryPrimitives.ReadUInt32LittleEndian(message.AsSpan(at)), []));
                    at += 4;
                    break;
                default:
                    throw new InvalidDataException($"wire type {key & 7}");
            }
        }

        return fields;
    }

    /// <summary>The reflected polynomial of RFC 3720, one bit at a time.</summary>
    public static uint Crc32C(ReadOnlySpan<byte> data)
    {
        uint crc = 0xFFFFFFFF;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 1 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
        }

        return crc ^ 0xFFFFFFFF;
    }

    private static uint MaskedCrc(ReadOnlySpan<byte> data)
    {
        uint crc = Crc32C(data);
        return unchecked(((crc >> 15) | (crc << 17)) + 0xA282EAD8);
    }
}
