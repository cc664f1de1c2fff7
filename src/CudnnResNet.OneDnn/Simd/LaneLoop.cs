using System.Runtime.CompilerServices;

namespace CudnnResNet.OneDnn.Simd;

/// <summary>What a kernel does at one position, for as many lanes as <c>T</c> has.</summary>
internal interface ILaneBody
{
    void Invoke<T>(nint index) where T : struct, ILanes<T>;
}

internal static class LaneLoop
{
    /// <summary>Covers [begin, end) with the widest lanes that fit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Run<TBody>(TBody body, nint begin, nint end) where TBody : struct, ILaneBody
    {
        nint index = begin;
        if (Lanes16.IsSupported)
            for (; index <= end - 16; index += 16)
                body.Invoke<Lanes16>(index);
        if (Lanes8.IsSupported)
            for (; index <= end - 8; index += 8)
                body.Invoke<Lanes8>(index);
        for (; index < end; index++)
            body.Invoke<Lanes1>(index);
    }
}
