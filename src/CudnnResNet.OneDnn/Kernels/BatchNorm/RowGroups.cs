using System.Runtime.CompilerServices;
using CudnnResNet.OneDnn.Kernels.Pointwise;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.BatchNorm;

/// <summary>Rows that a reduction adds up in registers before it touches its sums.</summary>
internal interface IRowGroup
{
    static abstract int Rows { get; }
}

internal readonly struct OneRow : IRowGroup
{
    public static int Rows => 1;
}

internal readonly struct FourRows : IRowGroup
{
    public static int Rows => 4;
}

/// <summary>Reduces rows to sums by channel.</summary>
internal interface IRowReduction
{
    void Add<TGroup, T>(RowGroup rows, nint channel) where TGroup : IRowGroup where T : struct, ILanes<T>;
}

/// <summary>The origins of a group's rows; only the first counts where the group is a single row.</summary>
internal readonly struct RowGroup(RowExtent extent, nint first, int rows)
{
    internal readonly RowOrigin Row0 = extent.Origin(first);
    internal readonly RowOrigin Row1 = rows == 1 ? default : extent.Origin(first + 1);
    internal readonly RowOrigin Row2 = rows == 1 ? default : extent.Origin(first + 2);
    internal readonly RowOrigin Row3 = rows == 1 ? default : extent.Origin(first + 3);
}

internal static class RowReductions
{
    private const int BlockBytes = 256 << 10;

    /// <summary>
    /// Rows that are reduced in float32 before their sums go into float64: few enough to stay in a core's second cache
    /// for another pass, enough to make the flush cheap.
    /// </summary>
    internal static nint BlockRows(nint channels) => (nint)Math.Clamp(BlockBytes / (channels * sizeof(float)), 64, 1024);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Run<TReduction>(TReduction reduction, RowExtent extent, nint begin, nint end)
        where TReduction : struct, IRowReduction
    {
        nint row = begin;
        for (; row <= end - FourRows.Rows; row += FourRows.Rows)
            LaneLoop.Run(new Body<TReduction, FourRows>(reduction, extent, row), 0, extent.Channels);
        for (; row < end; row++)
            LaneLoop.Run(new Body<TReduction, OneRow>(reduction, extent, row), 0, extent.Channels);
    }

    private readonly struct Body<TReduction, TGroup>(TReduction reduction, RowExtent extent, nint row) : ILaneBody
        where TReduction : struct, IRowReduction where TGroup : IRowGroup
    {
        private readonly TReduction _reduction = reduction;
        private readonly RowGroup _rows = new(extent, row, TGroup.Rows);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint index) where T : struct, ILanes<T> => _reduction.Add<TGroup, T>(_rows, index);
    }
}
