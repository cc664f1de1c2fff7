using CudnnResNet.Cuda.Device;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>A block's share of a table of tensors, as in lanes.h.</summary>
internal readonly record struct TableShare(int Row, int Chunk);

/// <summary>
/// A kernel on one tensor, with a second form that takes a table of tensors: hundreds of parameters, most of them short
/// vectors, then cost one launch.
/// </summary>
/// <typeparam name="TRow">The structure of the source that describes one tensor.</typeparam>
internal abstract class TableKernel<TRow>(CudaSession session, string program, string entry) : OwnKernel(session)
    where TRow : unmanaged
{
    /// <summary>Of one block: a few vectors for each of its threads.</summary>
    private const int ShareElements = 8192;

    public sealed override string Name => entry;

    public sealed override string? GroupOf(Problem problem) => entry;

    public sealed override LoadedKernel LoadGroup(ReadOnlySpan<Problem> problems, ReadOnlySpan<KernelArguments> arguments)
    {
        TRow[] rows = new TRow[problems.Length];
        List<TableShare> shares = [];
        for (int row = 0; row < rows.Length; row++)
        {
            rows[row] = Row(problems[row], new Operands(problems[row], arguments[row]));
            for (int chunk = 0; (long)chunk * ShareElements < problems[row].Input(0, 0).Shape.Elements; chunk++)
                shares.Add(new TableShare(row, chunk));
        }
        DeviceTable table = DeviceTable.Of(Session.Device, rows);
        DeviceTable? shareTable = null;
        try
        {
            shareTable = DeviceTable.Of<TableShare>(Session.Device, [.. shares]);
            return new Loaded(Session.Device, [Session.Launch(program, $"{entry}_all", new Grid(shares.Count),
                [table.Address, shareTable.Address, ShareElements])], [table, shareTable]);
        }
        catch
        {
            shareTable?.Dispose();
            table.Dispose();
            throw;
        }
    }

    protected sealed override string? Refusal(Problem problem) => !Takes(problem)
        ? $"takes {entry.Replace('_', ' ')} alone"
        : problem.Input(0, 0).Type == DataType.Float32 ? null : "takes float32";

    protected sealed override KernelLaunch[] Launches(Problem problem, Operands at) =>
        [Session.Launch(program, entry, problem.Input(0, 0).Shape.Elements / 4, [LaunchArgument.Of(Row(problem, at))])];

    protected abstract bool Takes(Problem problem);

    protected abstract TRow Row(Problem problem, Operands at);
}
