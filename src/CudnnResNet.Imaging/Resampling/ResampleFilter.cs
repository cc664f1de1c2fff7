namespace CudnnResNet.Imaging.Resampling;

/// <summary>The kernel that weighs source pixels; widened by the reduction, so that nothing aliases, as Pillow does.</summary>
public enum ResampleFilter
{
    /// <summary>A triangle of radius 1.</summary>
    Bilinear,

    /// <summary>Keys' cubic with a = -0.5, radius 2.</summary>
    Bicubic,
}

internal static class ResampleFilters
{
    public static double Support(this ResampleFilter filter) => filter == ResampleFilter.Bilinear ? 1 : 2;

    public static double At(this ResampleFilter filter, double x)
    {
        const double a = -0.5;
        x = Math.Abs(x);
        if (filter == ResampleFilter.Bilinear)
            return x < 1 ? 1 - x : 0;
        if (x < 1)
            return ((a + 2) * x - (a + 3)) * x * x + 1;
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    }
}
