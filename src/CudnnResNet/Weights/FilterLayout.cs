namespace CudnnResNet.Weights;

/// <summary>Filters are OIHW = K,C,R,S in files and K,R,S,C inside; the two orders meet here.</summary>
public static class FilterLayout
{
    public static T[] KrscFromOihw<T>(ReadOnlySpan<T> oihw, int k, int c, int r, int s)
    {
        T[] krsc = new T[oihw.Length];
        int next = 0;
        for (int ik = 0; ik < k; ik++)
            for (int ir = 0; ir < r; ir++)
                for (int iss = 0; iss < s; iss++)
                    for (int ic = 0; ic < c; ic++)
                        krsc[next++] = oihw[((ik * c + ic) * r + ir) * s + iss];
        return krsc;
    }

    public static T[] OihwFromKrsc<T>(ReadOnlySpan<T> krsc, int k, int c, int r, int s)
    {
        T[] oihw = new T[krsc.Length];
        int next = 0;
        for (int ik = 0; ik < k; ik++)
            for (int ic = 0; ic < c; ic++)
                for (int ir = 0; ir < r; ir++)
                    for (int iss = 0; iss < s; iss++)
                        oihw[next++] = krsc[((ik * r + ir) * s + iss) * c + ic];
        return oihw;
    }
}
