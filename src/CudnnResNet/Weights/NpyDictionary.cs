using System.Buffers.Text;

using CudnnResNet.Tensors;

namespace CudnnResNet.Weights;

/// <summary>Reads the Python dictionary of a .npy header, for example {'descr': '&lt;f4', 'fortran_order': False, 'shape': (2, 3), }.</summary>
internal ref struct NpyDictionary(ReadOnlySpan<byte> text, string file)
{
    private readonly ReadOnlySpan<byte> _text = text;
    private readonly string _file = file;
    private int _at;

    public (DataType Type, long[] Shape) Read()
    {
        DataType? type = null;
        bool? fortranOrder = null;
        long[]? shape = null;
        Expect((byte)'{');
        while (!TryTake((byte)'}'))
        {
            ReadOnlySpan<byte> key = ReadString();
            Expect((byte)':');
            if (key.SequenceEqual("descr"u8) && type is null)
                type = ReadType();
            else if (key.SequenceEqual("fortran_order"u8) && fortranOrder is null)
                fortranOrder = ReadBoolean();
            else if (key.SequenceEqual("shape"u8) && shape is null)
                shape = ReadShape();
            else
                throw Bad($"its header has the key '{Printable(key)}' twice, or it is not one of descr, fortran_order, shape");
            if (!TryTake((byte)',') && Peek() != '}')
                throw Bad($"its header has no comma or brace at byte {_at}");
        }
        if (Peek() != 0)
            throw Bad("its header goes on after the dictionary");
        if (type is null || fortranOrder is null || shape is null)
            throw Bad("its header lacks descr, fortran_order or shape");
        if (fortranOrder.Value)
            throw new ResNetException($"{_file}: is in Fortran order, which is not read; save it with numpy.ascontiguousarray");
        return (type.Value, shape);
    }

    private DataType ReadType()
    {
        if (Peek() == '[')
            throw new ResNetException($"{_file}: holds a structured array, which is not read; save a plain array");
        ReadOnlySpan<byte> descr = ReadString();
        return descr switch
        {
            _ when descr.SequenceEqual("<f4"u8) => DataType.Float32,
            _ when descr.SequenceEqual("<f2"u8) => DataType.Float16,
            _ when descr.SequenceEqual("<f8"u8) => DataType.Float64,
            _ when descr.SequenceEqual("<i4"u8) => DataType.Int32,
            _ when descr.SequenceEqual("<i8"u8) => DataType.Int64,
            _ when descr.SequenceEqual("|u1"u8) => DataType.UInt8,
            _ => throw new ResNetException($"{_file}: holds elements of type '{Printable(descr)}'; <f2, <f4, <f8, <i4, <i8 and |u1 are read, so convert it with astype in NumPy"),
        };
    }

    private bool ReadBoolean()
    {
        Peek();
        ReadOnlySpan<byte> rest = _text[_at..];
        bool value = rest.StartsWith("True"u8);
        if (!value && !rest.StartsWith("False"u8))
            throw Bad("its fortran_order is neither True nor False");
        _at += value ? 4 : 5;
        return value;
    }

    private long[] ReadShape()
    {
        Span<long> shape = stackalloc long[ElementCount.MaxRank];
        int rank = 0;
        Expect((byte)'(');
        while (!TryTake((byte)')'))
        {
            Peek();
            if (rank == shape.Length)
                throw Bad($"its shape has over {shape.Length} axes");
            if (!Utf8Parser.TryParse(_text[_at..], out long extent, out int used) || extent < 0)
                throw Bad("its shape has an extent that is not a whole number from 0 to 2^63 - 1");
            shape[rank++] = extent;
            _at += used;
            // One axis needs its comma: (3) is no tuple.
            if (!TryTake((byte)',') && (Peek() != ')' || rank == 1))
                throw Bad("its shape is not a tuple");
        }
        return shape[..rank].ToArray();
    }

    private ReadOnlySpan<byte> ReadString()
    {
        byte quote = Peek();
        if (quote is not ((byte)'\'' or (byte)'"'))
            throw Bad($"its header has no string at byte {_at}");
        int length = _text[(_at + 1)..].IndexOf(quote);
        if (length < 0)
            throw Bad("its header ends inside a string");
        ReadOnlySpan<byte> value = _text.Slice(_at + 1, length);
        _at += length + 2;
        return value;
    }

    private void Expect(byte symbol)
    {
        if (!TryTake(symbol))
            throw Bad($"its header has no '{(char)symbol}' at byte {_at}");
    }

    private bool TryTake(byte symbol)
    {
        if (Peek() != symbol)
            return false;
        _at++;
        return true;
    }

    /// <summary>The next byte that is not white space; 0 at the end.</summary>
    private byte Peek()
    {
        while (_at < _text.Length && _text[_at] is (byte)' ' or (byte)'\n' or (byte)'\t' or (byte)'\r')
            _at++;
        return _at < _text.Length ? _text[_at] : (byte)0;
    }

    private static string Printable(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> shown = text[..Math.Min(text.Length, 40)];
        return string.Create(shown.Length, shown, static (to, from) =>
        {
            for (int i = 0; i < to.Length; i++)
                to[i] = from[i] is >= 32 and < 127 ? (char)from[i] : '?';
        });
    }

    private readonly ResNetException Bad(string problem) => NpyHeader.Bad(_file, problem);
}
