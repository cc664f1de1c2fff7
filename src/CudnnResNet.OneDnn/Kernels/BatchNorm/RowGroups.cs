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
    /// <inheritdoc cref="ISource.ReadsPooled"/>
    static abstract bool ReadsPooled { get; }

    void Add<TGroup, T>(RowGroup rows, nint channel) where TGroup : IRowGroup where T : struct, ILanes<T>;
}

/// <summary>The origins of a group's rows; only the first counts where the group is a single row.</summary>
internal readonly struct RowGroup
{
    internal readonly RowOrigin Row0, Row1, Row2, Row3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal RowGroup(RowOrigin row0, RowOrigin row1, RowOrigin row2, RowOrigin row3) =>
        (Row0, Row1, Row2, Row3) = (row0, row1, row2, row3);
}

internal static class RowReductions
{
    private const int BlockBytes = 256 << 10;

    /// <summary>
    /// Rows that are reduced in float32 before their sums go into float64: few enough to stay in a core's second cache
    /// for another pass, enough to make the flush cheap.
    /// </summary>
    internal static nint BlockRows(nint channels) => (nint)Math.Clamp(BlockBytes / (channels * sizeof(float)), 64, 1024);

    internal static void Run<TReduction>(TReduction reduction, RowExtent extent, nint begin, nint end)
        where TReduction : struct, IRowReduction
    {
        nint fours = (end - begin) / FourRows.Rows * FourRows.Rows;
        RunGroups<TReduction, FourRows>(reduction, extent, begin, begin + fours);
        RunGroups<TReduction, OneRow>(reduction, extent, begin + fours, end);
    }

    /// <summary>A method of its own, because the compiler stops inlining where one has grown too large.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void RunGroups<TReduction, TGroup>(TReduction reduction, RowExtent extent, nint begin, nint end)
        where TReduction : struct, IRowReduction
        where TGroup : IRowGroup
    {
        for (nint row = begin; row < end; row += TGroup.Rows)
        {
            RowGroup rows = TGroup.Rows == 1
                ? new RowGroup(Origin(row), default, default, default)
                : new RowGroup(Origin(row), Origin(row + 1), Origin(row + 2), Origin(row + 3));
            LaneLoop.Run(new Body<TReduction, TGroup>(reduction, rows), 0, extent.Channels);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        RowOrigin Origin(nint row) =>
            new(row * extent.Channels, TReduction.ReadsPooled ? row / extent.Spatial * extent.Channels : 0);
    }

    private readonly struct Body<TReduction, TGroup>(TReduction reduction, RowGroup rows) : ILaneBody
        where TReduction : struct, IRowReduction
        where TGroup : IRowGroup
    {
        private readonly TReduction _reduction = reduction;
        private readonly RowGroup _rows = rows;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint index) where T : struct, ILanes<T> => _reduction.Add<TGroup, T>(_rows, index);
    }
}
