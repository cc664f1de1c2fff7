using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace CudnnResNet.Reference;

/// <summary>Sums over contiguous elements of either storage type, accumulated in double.</summary>
internal static class Wide
{
    /// <summary>The sum of a[i] * b[i].</summary>
    public static double Dot<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b) where T : unmanaged
    {
        if (typeof(T) == typeof(double))
            return Dot(MemoryMarshal.Cast<T, double>(a), MemoryMarshal.Cast<T, double>(b));
        return Dot(MemoryMarshal.Cast<T, float>(a), MemoryMarshal.Cast<T, float>(b));
    }

    /// <summary>sum[i] += scale * x[i].</summary>
    public static void Accumulate<T>(Span<double> sum, double scale, ReadOnlySpan<T> x) where T : unmanaged
    {
        if (typeof(T) == typeof(double))
            Accumulate(sum, scale, MemoryMarshal.Cast<T, double>(x));
        else
            Accumulate(sum, scale, MemoryMarshal.Cast<T, float>(x));
    }

    public static void Store<T>(ReadOnlySpan<double> from, Span<T> to) where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int i = 0; i < from.Length; i++)
            to[i] = T.CreateTruncating(from[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        ReadOnlySpan<Vector<double>> va = MemoryMarshal.Cast<double, Vector<double>>(a);
        ReadOnlySpan<Vector<double>> vb = MemoryMarshal.Cast<double, Vector<double>>(b)[..va.Length];
        Vector<double> s0 = default, s1 = default, s2 = default, s3 = default;
        int i = 0;
        for (; i + 3 < va.Length; i += 4)
        {
            s0 = Vector.FusedMultiplyAdd(va[i], vb[i], s0);
            s1 = Vector.FusedMultiplyAdd(va[i + 1], vb[i + 1], s1);
            s2 = Vector.FusedMultiplyAdd(va[i + 2], vb[i + 2], s2);
            s3 = Vector.FusedMultiplyAdd(va[i + 3], vb[i + 3], s3);
        }
        for (; i < va.Length; i++)
            s0 = Vector.FusedMultiplyAdd(va[i], vb[i], s0);
        double sum = Vector.Sum(s0 + s1 + (s2 + s3));
        for (int tail = va.Length * Vector<double>.Count; tail < a.Length; tail++)
            sum += a[tail] * b[tail];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        ReadOnlySpan<Vector<float>> va = MemoryMarshal.Cast<float, Vector<float>>(a);
        ReadOnlySpan<Vector<float>> vb = MemoryMarshal.Cast<float, Vector<float>>(b)[..va.Length];
        Vector<double> s0 = default, s1 = default;
        for (int i = 0; i < va.Length; i++)
        {
            Vector.Widen(va[i], out Vector<double> a0, out Vector<double> a1);
            Vector.Widen(vb[i], out Vector<double> b0, out Vector<double> b1);
            s0 = Vector.FusedMultiplyAdd(a0, b0, s0);
            s1 = Vector.FusedMultiplyAdd(a1, b1, s1);
        }
        double sum = Vector.Sum(s0 + s1);
        for (int tail = va.Length * Vector<float>.Count; tail < a.Length; tail++)
            sum += (double)a[tail] * b[tail];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Accumulate(Span<double> sum, double scale, ReadOnlySpan<double> x)
    {
        ReadOnlySpan<Vector<double>> vx = MemoryMarshal.Cast<double, Vector<double>>(x);
        Span<Vector<double>> vs = MemoryMarshal.Cast<double, Vector<double>>(sum)[..vx.Length];
        Vector<double> factor = new(scale);
        for (int i = 0; i < vx.Length; i++)
            vs[i] = Vector.FusedMultiplyAdd(factor, vx[i], vs[i]);
        for (int tail = vx.Length * Vector<double>.Count; tail < x.Length; tail++)
            sum[tail] += scale * x[tail];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Accumulate(Span<double> sum, double scale, ReadOnlySpan<float> x)
    {
        ReadOnlySpan<Vector<float>> vx = MemoryMarshal.Cast<float, Vector<float>>(x);
        Span<Vector<double>> vs = MemoryMarshal.Cast<double, Vector<double>>(sum)[..(2 * vx.Length)];
        Vector<double> factor = new(scale);
        for (int i = 0; i < vx.Length; i++)
        {
            Vector.Widen(vx[i], out Vector<double> x0, out Vector<double> x1);
            vs[2 * i] = Vector.FusedMultiplyAdd(factor, x0, vs[2 * i]);
            vs[2 * i + 1] = Vector.FusedMultiplyAdd(factor, x1, vs[2 * i + 1]);
        }
        for (int tail = vx.Length * Vector<float>.Count; tail < x.Length; tail++)
            sum[tail] += scale * x[tail];
    }
}
