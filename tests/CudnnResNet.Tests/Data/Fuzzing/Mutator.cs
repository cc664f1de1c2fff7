using System.Buffers.Binary;
using System.Text;

using CudnnResNet.Data;

namespace CudnnResNet.Tests.Data.Fuzzing;

/// <summary>
/// Damages valid files: the i-th mutant of a seed is always the same. Most damage lands near the start, where headers are;
/// numbers are edited both as bytes of either order and as digits.
/// </summary>
internal sealed class Mutator(ulong seed, IReadOnlyList<byte[]> valid)
{
    private static readonly ulong[] Integers =
        [0, 1, 2, 4, 7, 8, 127, 128, 255, 256, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF];

    private static readonly byte[][] Texts =
        [.. new[] { "0", "1", "-1", "9", "33", "255", "4294967296", "9223372036854775807", "9223372036854775808", "1e9", "0.5", "{", "}", "[", "]", "(", ")", "\"", "'", ",", ":", "\\u0000", "\\ud800", "F64", "<f8", "|u1", "null", "True", "\n", "\0" }
            .Select(Encoding.ASCII.GetBytes)];

    private readonly List<byte> _bytes = [];
    private CounterRandom _random;
    private ulong _draws;

    public byte[] Make(int index)
    {
        _random = CounterRandom.For(seed, 0x66757A7A, (ulong)index);
        _draws = 0;
        _bytes.Clear();
        _bytes.AddRange(Pick(valid));
        int edits = Math.Max(1, Below(4));
        for (int i = 0; i < edits; i++)
            Edit();
        return [.. _bytes];
    }

    private void Edit()
    {
        switch (_bytes.Count == 0 ? 4 : Below(9))
        {
            case 0:
                _bytes[Place()] ^= (byte)(1 << Below(8));
                break;
            case 1:
                _bytes[Place()] = (byte)Below(256);
                break;
            case 2:
                int cut = Place();
                _bytes.RemoveRange(cut, _bytes.Count - cut);
                break;
            case 3:
                int gone = Place();
                _bytes.RemoveRange(gone, Math.Min(1 + Below(16), _bytes.Count - gone));
                break;
            case 4:
                for (int i = Below(40); i >= 0; i--)
                    _bytes.Add((byte)Below(256));
                break;
            case 5:
                byte[] other = Pick(valid);
                int from = Below(other.Length);
                _bytes.InsertRange(Place(), other.AsSpan(from, Math.Min(1 + Below(64), other.Length - from)).ToArray());
                break;
            case 6:
                Overwrite();
                break;
            case 7:
                int at = Place();
                _bytes.RemoveRange(at, Math.Min(Below(4), _bytes.Count - at));
                _bytes.InsertRange(at, Pick(Texts));
                break;
            default:
                EditDigits();
                break;
        }
    }

    private void Overwrite()
    {
        Span<byte> integer = stackalloc byte[8];
        int bytes = 1 << Below(4);
        ulong value = Pick(Integers);
        BinaryPrimitives.WriteUInt64LittleEndian(integer, value);
        integer = integer[..bytes];
        if (Below(2) == 0)
            integer.Reverse();
        int at = Place();
        for (int i = 0; i < bytes && at + i < _bytes.Count; i++)
            _bytes[at + i] = integer[i];
    }

    /// <summary>Replaces a whole number in the text of a header.</summary>
    private void EditDigits()
    {
        int start = Place();
        while (start < _bytes.Count && !char.IsAsciiDigit((char)_bytes[start]))
            start++;
        int end = start;
        while (end < _bytes.Count && char.IsAsciiDigit((char)_bytes[end]))
            end++;
        _bytes.RemoveRange(start, end - start);
        _bytes.InsertRange(start, Encoding.ASCII.GetBytes(Below(2) == 0 ? $"{Below(40)}" : $"{Pick(Integers)}"));
    }

    private int Place() => Below(4) == 0 ? Below(Math.Min(_bytes.Count, 32)) : Below(_bytes.Count);

    private T Pick<T>(IReadOnlyList<T> from) => from[Below(from.Count)];

    private int Below(int limit) => _random.Below(limit, _draws++);
}
