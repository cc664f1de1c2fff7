namespace CudnnResNet.Imaging.Augmenting;

/// <summary>Operations on the colours of RGB pixels, uint8 [H, W, 3], as Pillow's ImageEnhance, ImageOps and HSV round them.</summary>
internal static class ColourOperations
{
    private const int Channels = 3;
    private const int Levels = 256;

    /// <summary>Between black (0) and the image (1), and beyond.</summary>
    public static void Brightness(Span<byte> rgb, float factor)
    {
        for (int i = 0; i < rgb.Length; i++)
            rgb[i] = Blend(0, rgb[i], factor);
    }

    /// <summary>Between the mean grey (0) and the image (1), and beyond.</summary>
    public static void Contrast(Span<byte> rgb, float factor)
    {
        long sum = 0;
        for (int i = 0; i < rgb.Length; i += Channels)
            sum += Grey(rgb[i..]);
        byte mean = (byte)((double)sum / (rgb.Length / Channels) + 0.5);
        for (int i = 0; i < rgb.Length; i++)
            rgb[i] = Blend(mean, rgb[i], factor);
    }

    /// <summary>Between the image's grey (0) and the image (1), and beyond.</summary>
    public static void Saturation(Span<byte> rgb, float factor)
    {
        for (int i = 0; i < rgb.Length; i += Channels)
        {
            byte grey = Grey(rgb[i..]);
            for (int c = 0; c < Channels; c++)
                rgb[i + c] = Blend(grey, rgb[i + c], factor);
        }
    }

    /// <summary>Turns the circle of colours by so many of its 256 steps.</summary>
    public static void Hue(Span<byte> rgb, int steps)
    {
        for (int i = 0; i < rgb.Length; i += Channels)
        {
            (byte h, byte s, byte v) = HsvFromRgb(rgb[i], rgb[i + 1], rgb[i + 2]);
            (rgb[i], rgb[i + 1], rgb[i + 2]) = RgbFromHsv((byte)(h + steps), s, v);
        }
    }

    /// <summary>Keeps the upper bits of each value.</summary>
    public static void Posterize(Span<byte> rgb, int bits)
    {
        byte mask = (byte)~((1 << (8 - bits)) - 1);
        for (int i = 0; i < rgb.Length; i++)
            rgb[i] &= mask;
    }

    /// <summary>Inverts values from the threshold on.</summary>
    public static void Solarize(Span<byte> rgb, float threshold)
    {
        for (int i = 0; i < rgb.Length; i++)
            rgb[i] = rgb[i] < threshold ? rgb[i] : (byte)(255 - rgb[i]);
    }

    /// <summary>Stretches each channel to all of 0 to 255.</summary>
    public static void AutoContrast(Span<byte> rgb)
    {
        Span<byte> table = stackalloc byte[Levels];
        for (int c = 0; c < Channels; c++)
        {
            (int low, int high) = (255, 0);
            for (int i = c; i < rgb.Length; i += Channels)
                (low, high) = (Math.Min(low, rgb[i]), Math.Max(high, rgb[i]));
            if (high <= low)
                continue;
            double scale = 255.0 / (high - low);
            for (int level = 0; level < Levels; level++)
                table[level] = (byte)Math.Clamp((int)(level * scale - low * scale), 0, 255);
            Look(rgb, c, table);
        }
    }

    /// <summary>Spreads each channel's values evenly.</summary>
    public static void Equalize(Span<byte> rgb)
    {
        Span<int> counts = stackalloc int[Levels];
        Span<byte> table = stackalloc byte[Levels];
        for (int c = 0; c < Channels; c++)
        {
            counts.Clear();
            for (int i = c; i < rgb.Length; i += Channels)
                counts[rgb[i]]++;
            int last = counts.LastIndexOfAnyExcept(0);
            int step = (rgb.Length / Channels - counts[last]) / 255;
            if (step == 0)
                continue;
            int sum = step / 2;
            for (int level = 0; level < Levels; level++)
            {
                table[level] = (byte)Math.Min(255, sum / step);
                sum += counts[level];
            }
            Look(rgb, c, table);
        }
    }

    /// <summary>Between the image smoothed by a 3 x 3 kernel (0) and the image (1), and beyond; the edges stay.</summary>
    /// <param name="rgb">The image.</param>
    /// <param name="copy">As much memory.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="factor">Where between.</param>
    public static void Sharpness(Span<byte> rgb, Span<byte> copy, int width, float factor)
    {
        rgb.CopyTo(copy);
        int stride = width * Channels;
        for (int y = 1; y < rgb.Length / stride - 1; y++)
            for (int x = Channels; x < stride - Channels; x++)
            {
                int at = y * stride + x;
                int sum = 4 * copy[at];
                for (int row = at - stride; row <= at + stride; row += stride)
                    sum += copy[row - Channels] + copy[row] + copy[row + Channels];
                byte smooth = (byte)(sum / 13f + 0.5f);
                rgb[at] = Blend(smooth, copy[at], factor);
            }
    }

    private static void Look(Span<byte> rgb, int channel, ReadOnlySpan<byte> table)
    {
        for (int i = channel; i < rgb.Length; i += Channels)
            rgb[i] = table[rgb[i]];
    }

    private static byte Blend(byte from, byte to, float factor) => (byte)Math.Clamp(from + factor * (to - from), 0, 255);

    /// <summary>ITU-R 601-2 luma.</summary>
    private static byte Grey(ReadOnlySpan<byte> rgb) => (byte)((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16);

    private static (byte H, byte S, byte V) HsvFromRgb(byte r, byte g, byte b)
    {
        byte most = Math.Max(r, Math.Max(g, b));
        byte least = Math.Min(r, Math.Min(g, b));
        if (most == least)
            return (0, 0, most);
        float range = most - least;
        (float rc, float gc, float bc) = ((most - r) / range, (most - g) / range, (most - b) / range);
        float h = r == most ? bc - gc : g == most ? 2 + rc - bc : 4 + gc - rc;
        h = (float)((h / 6.0 + 1) % 1.0);
        return ((byte)Math.Clamp((int)(h * 255.0), 0, 255), (byte)Math.Clamp((int)(range / most * 255.0), 0, 255), most);
    }

    private static (byte R, byte G, byte B) RgbFromHsv(byte h, byte s, byte v)
    {
        if (s == 0)
            return (v, v, v);
        float sixth = h * 6 / 255f;
        int i = (int)sixth;
        float f = sixth - i;
        float saturation = s / 255f;
        byte p = Round(v * (1 - saturation));
        byte q = Round(v * (1 - saturation * f));
        byte t = Round(v * (1 - saturation * (1 - f)));
        return (i % 6) switch
        {
            0 => (v, t, p),
            1 => (q, v, p),
            2 => (p, v, t),
            3 => (p, q, v),
            4 => (t, p, v),
            _ => (v, p, q),
        };
    }

    private static byte Round(float value) => (byte)Math.Clamp((int)MathF.Round(value, MidpointRounding.AwayFromZero), 0, 255);
}
