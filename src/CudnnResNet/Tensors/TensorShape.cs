using System.Globalization;

namespace CudnnResNet.Tensors;

/// <summary>
/// Up to four extents, outermost first: activations N,H,W,C; filters K,R,S,C; logits N,C; vectors C; scalars none.
/// Scalar fields only, so that shapes compare by value and can be keys.
/// </summary>
public readonly record struct TensorShape
{
    private TensorShape(int rank, int d0, int d1, int d2, int d3)
    {
        Rank = rank;
        (D0, D1, D2, D3) = (d0, d1, d2, d3);
    }

    public static TensorShape Scalar => new(0, 1, 1, 1, 1);

    public static TensorShape Vector(int c) => new(1, c, 1, 1, 1);

    public static TensorShape Matrix(int rows, int columns) => new(2, rows, columns, 1, 1);

    public static TensorShape Nhwc(int n, int h, int w, int c) => new(4, n, h, w, c);

    public static TensorShape Krsc(int k, int r, int s, int c) => new(4, k, r, s, c);

    public int Rank { get; }
    public int D0 { get; }
    public int D1 { get; }
    public int D2 { get; }
    public int D3 { get; }

    public int N => D0;
    public int H => D1;
    public int W => D2;

    /// <summary>The innermost extent: channels of activations and filters, columns of a matrix, length of a vector.</summary>
    public int C => Rank switch { 4 => D3, 2 => D1, _ => D0 };

    public long Elements => (long)D0 * D1 * D2 * D3;

    /// <summary>The elements of so many tensors of this shape, as the length of a span.</summary>
    /// <exception cref="ResNetException">They are more than a span can hold.</exception>
    public int SpanLength(int tensors = 1)
    {
        double elements = (double)tensors * D0 * D1 * D2 * D3;
        return elements <= int.MaxValue
            ? (int)elements
            : throw new ResNetException(string.Create(CultureInfo.InvariantCulture,
                $"{(tensors > 1 ? $"{tensors} x " : "")}{this} has {elements:N0} elements, and {int.MaxValue:N0} is the most at once; use a smaller batch or image."));
    }

    public override string ToString() => Rank switch
    {
        0 => "[]",
        1 => $"[{D0}]",
        2 => $"[{D0},{D1}]",
        _ => $"[{D0},{D1},{D2},{D3}]",
    };
}
