namespace CudnnResNet.Imaging.Augmenting;

/// <summary>
/// Moves pixels: pixel (x, y) of the result is that of the source nearest to (A x + B y + C, D x + E y + F), black where
/// there is none. As Pillow's Image.transform with AFFINE and NEAREST.
/// </summary>
internal readonly record struct AffineOperation(double A, double B, double C, double D, double E, double F)
{
    private const int Channels = 3;

    public static AffineOperation ShearX(double share) => new(1, share, 0, 0, 1, 0);

    public static AffineOperation ShearY(double share) => new(1, 0, 0, share, 1, 0);

    public static AffineOperation Translate(int right, int down) => new(1, 0, -right, 0, 1, -down);

    /// <summary>Counter-clockwise around the middle.</summary>
    public static AffineOperation Rotate(double degrees, int width, int height)
    {
        double angle = -degrees * Math.PI / 180;
        (double cos, double sin) = (Math.Round(Math.Cos(angle), 15), Math.Round(Math.Sin(angle), 15));
        (double x, double y) = (width / 2.0, height / 2.0);
        return new(cos, sin, x - cos * x - sin * y, -sin, cos, y + sin * x - cos * y);
    }

    /// <param name="rgb">The image, uint8 [H, W, 3].</param>
    /// <param name="copy">As much memory.</param>
    /// <param name="width">Pixels of a row.</param>
    public void Apply(Span<byte> rgb, Span<byte> copy, int width)
    {
        rgb.CopyTo(copy);
        int height = rgb.Length / (width * Channels);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                int fromX = (int)Math.Floor(A * (x + 0.5) + B * (y + 0.5) + C);
                int fromY = (int)Math.Floor(D * (x + 0.5) + E * (y + 0.5) + F);
                Span<byte> to = rgb.Slice((y * width + x) * Channels, Channels);
                if ((uint)fromX < (uint)width && (uint)fromY < (uint)height)
                    copy.Slice((fromY * width + fromX) * Channels, Channels).CopyTo(to);
                else
                    to.Clear();
            }
    }
}
