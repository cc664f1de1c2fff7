using System.Numerics;

namespace CudnnResNet.Weights;

/// <summary>Filters are OIHW = K,C,R,S in files and K,R,S,C inside; the two orders, and element types, meet here.</summary>
public static class FilterLayout
{
    public static void KrscFromOihw<TFrom, TTo>(ReadOnlySpan<TFrom> oihw, Span<TTo> krsc, int k, int c, int r, int s)
        where TFrom : INumberBase<TFrom> where TTo : INumberBase<TTo>
    {
        int next = 0;
        for (int ik = 0; ik < k; ik++)
            for (int ir = 0; ir < r; ir++)
                for (int iss = 0; iss < s; iss++)
                    for (int ic = 0; ic < c; ic++)
                        krsc[next++] = TTo.CreateTruncating(oihw[((ik * c + ic) * r + ir) * s + iss]);
    }

    public static void OihwFromKrsc<TFrom, TTo>(ReadOnlySpan<TFrom> krsc, Span<TTo> oihw, int k, int c, int r, int s)
        where TFrom : INumberBase<TFrom> where TTo : INumberBase<TTo>
    {
        int next = 0;
        for (int ik = 0; ik < k; ik++)
            for (int ic = 0; ic < c; ic++)
                for (int ir = 0; ir < r; ir++)
                    for (int iss = 0; iss < s; iss++)
                        oihw[next++] = TTo.CreateTruncating(krsc[((ik * r + ir) * s + iss) * c + ic]);
    }
}
