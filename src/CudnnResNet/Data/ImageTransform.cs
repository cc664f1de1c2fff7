namespace CudnnResNet.Data;

/// <summary>Crop, flip and normalisation of one image, from the raw pixels to a batch's memory.</summary>
internal sealed class ImageTransform
{
    private readonly int _height;
    private readonly int _width;
    private readonly int _channels;
    private readonly float[] _mean;
    private readonly float[] _std;
    private readonly float[] _rowOfPadding;

    public ImageTransform(IDataSet data, Normalization normalization)
    {
        (_height, _width, _channels) = (data.Height, data.Width, data.Channels);
        // Without normalisation (x - 0) / 1 is x, bit for bit.
        _mean = normalization.IsNone ? new float[_channels] : [.. normalization.Mean];
        _std = normalization.IsNone ? [.. Enumerable.Repeat(1f, _channels)] : [.. normalization.Std];
        _rowOfPadding = new float[_width * _channels];
        for (int i = 0; i < _rowOfPadding.Length; i++)
            _rowOfPadding[i] = (0 - _mean[i % _channels]) / _std[i % _channels];
    }

    /// <summary>The image as it is, normalised; x and y may be the same.</summary>
    public void Apply(ReadOnlySpan<float> x, Span<float> y) => Apply(x, y, 0, 0, flip: false);

    /// <summary>Pixel (row, column) of y is pixel (row + down, column + right) of x, zero outside of it; then each row is reversed where flipped.</summary>
    public void Apply(ReadOnlySpan<float> x, Span<float> y, int down, int right, bool flip)
    {
        int rowElements = _width * _channels;
        for (int row = 0; row < _height; row++)
        {
            Span<float> to = y.Slice(row * rowElements, rowElements);
            if ((uint)(row + down) >= (uint)_height)
                _rowOfPadding.CopyTo(to);
            else
                ApplyRow(x.Slice((row + down) * rowElements, rowElements), to, right, flip);
        }
    }

    private void ApplyRow(ReadOnlySpan<float> x, Span<float> y, int right, bool flip)
    {
        for (int column = 0; column < _width; column++)
        {
            int from = (flip ? _width - 1 - column : column) + right;
            Span<float> to = y.Slice(column * _channels, _channels);
            if ((uint)from >= (uint)_width)
            {
                _rowOfPadding.AsSpan(0, _channels).CopyTo(to);
                continue;
            }
            ReadOnlySpan<float> pixel = x.Slice(from * _channels, _channels);
            for (int c = 0; c < to.Length; c++)
                to[c] = (pixel[c] - _mean[c]) / _std[c];
        }
    }
}
