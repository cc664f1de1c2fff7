using System.Text;

namespace CudnnResNet.Imaging;

/// <summary>The paths of a million files in one block, as the operating system takes them: UTF-8, each with a zero at its end.</summary>
internal sealed class PathTable
{
    private readonly byte[] _text;
    private readonly long[] _starts;

    public PathTable(IReadOnlyList<string> paths)
    {
        _starts = new long[paths.Count + 1];
        for (int i = 0; i < paths.Count; i++)
            _starts[i + 1] = _starts[i] + Encoding.UTF8.GetByteCount(paths[i]) + 1;
        if (_starts[^1] > Array.MaxLength)
            throw new ResNetException($"the paths of {paths.Count} images take over 2 GB; split the set");
        _text = new byte[_starts[^1]];
        for (int i = 0; i < paths.Count; i++)
            Encoding.UTF8.GetBytes(paths[i], _text.AsSpan((int)_starts[i]));
    }

    public int Count => _starts.Length - 1;

    public string this[int index] => Encoding.UTF8.GetString(Terminated(index)[..^1]);

    /// <summary>With the zero at its end.</summary>
    public ReadOnlySpan<byte> Terminated(int index) => _text.AsSpan((int)_starts[index]..(int)_starts[index + 1]);
}
