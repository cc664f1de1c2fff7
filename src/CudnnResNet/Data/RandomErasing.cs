namespace CudnnResNet.Data;

/// <summary>
/// Sets a rectangle to 0, which is the mean colour where images are normalised: 2 to 33 % of the area, of an aspect between
/// 0.3 and 1 / 0.3, as torchvision's RandomErasing with its standard numbers.
/// </summary>
internal static class RandomErasing
{
    private const int Attempts = 10;
    private const double MinArea = 0.02;
    private const double MaxArea = 0.33;
    private static readonly double LogAspect = Math.Log(1 / 0.3);

    public static void Apply(Span<float> image, int height, int width, CounterRandom random)
    {
        int channels = image.Length / (height * width);
        for (ulong attempt = 0; attempt < Attempts; attempt++)
        {
            ulong draw = Draws.Erasing + 1 + 4 * attempt;
            double area = (double)height * width * random.Between(MinArea, MaxArea, draw);
            double aspect = Math.Exp(random.Between(-LogAspect, LogAspect, draw + 1));
            int h = (int)Math.Round(Math.Sqrt(area * aspect));
            int w = (int)Math.Round(Math.Sqrt(area / aspect));
            if (h >= height || w >= width || h < 1 || w < 1)
                continue;
            int top = random.Below(height - h + 1, draw + 2);
            int left = random.Below(width - w + 1, draw + 3);
            for (int y = top; y < top + h; y++)
                image.Slice((y * width + left) * channels, w * channels).Clear();
            return;
        }
    }
}
