using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>One tensor of optimizer.cu's squared_sum_all.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SquaresRow(CUdeviceptr X, CUdeviceptr Total, CUdeviceptr Partial, CUdeviceptr Arrived, long Elements,
    int Shares, int Reserved = 0);

/// <summary>One tensor of optimizer.cu's trust_ratio.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct TrustRow(CUdeviceptr SquaredWeights, CUdeviceptr SquaredGradients, CUdeviceptr GradientScale,
    CUdeviceptr Ratio, float Coefficient, float WeightDecay);

/// <summary>
/// Norms of weights and gradients, and the factors that clipping and LARS make of them. LARS takes those of all tensors in
/// two launches: one for the sums, one for the rates.
/// </summary>
internal sealed class NormKernel(CudaSession session) : OwnKernel(session)
{
    /// <summary>Blocks that share out a norm; few enough for one block to add up.</summary>
    private const int MostPartialSums = 256;

    /// <summary>Of one block, where one launch takes all tensors.</summary>
    private const int ShareElements = 16384;

    private const string Program = "optimizer.cu";

    public override string Name => "norms";

    /// <summary>A sum that continues another waits for it.</summary>
    public override string? GroupOf(Problem problem) => problem.Operations[0] switch
    {
        SquaredSum { Continues: false } => "squared_sum",
        TrustRatio => "trust_ratio",
        _ => null,
    };

    public override LoadedKernel LoadGroup(ReadOnlySpan<Problem> problems, ReadOnlySpan<KernelArguments> arguments) =>
        problems[0].Operations[0] is SquaredSum ? LoadSums(problems, arguments) : LoadRatios(problems, arguments);

    public override long WorkspaceBytes(Problem problem) =>
        problem.Operations[0] is SquaredSum ? WorkspaceParts.Bytes(MostPartialSums * sizeof(double)) : 0;

    protected override string? Refusal(Problem problem) => problem.Operations is not [SquaredSum or ClipScale or TrustRatio]
        ? "takes squared_sum, clip_scale or trust_ratio alone"
        : problem.Input(0, 0).Type == DataType.Float32 ? null : "takes float32";

    protected override KernelLaunch[] Launches(Problem problem, Operands at)
    {
        CUdeviceptr none = default;
        switch (problem.Operations[0])
        {
            case SquaredSum sum:
                long elements = problem.Input(0, 0).Shape.Elements;
                CUdeviceptr partial = at.Workspace.Take(MostPartialSums * sizeof(double));
                int blocks = (int)Math.Clamp(elements / 1024, 1, MostPartialSums);
                return
                [
                    Session.Launch(Program, "squared_sum_partial", new Grid(blocks), [at.Input(0, 0), partial, elements]),
                    Session.Launch(Program, "squared_sum_finish", new Grid(1),
                        [partial, sum.Continues ? at.Input(0, 1) : none, at.Output(0, 0), blocks]),
                ];
            case ClipScale clip:
                return [Session.Launch(Program, "clip_scale", new Grid(1),
                    [at.Input(0, 0), clip.IsScaled ? at.Input(0, 1) : none, at.Output(0, 0), (float)clip.MaxNorm])];
            default:
                return [Session.Launch(Program, "trust_ratio", new Grid(1), [LaunchArgument.Of(RatioRow(problem, at))])];
        }
    }

    private static TrustRow RatioRow(Problem problem, Operands at)
    {
        TrustRatio ratio = (TrustRatio)problem.Operations[0];
        return new TrustRow(at.Input(0, 0), at.Input(0, 1), ratio.IsScaled ? at.Input(0, 2) : default, at.Output(0, 0),
            (float)ratio.Coefficient, (float)ratio.WeightDecay);
    }

    private Loaded LoadRatios(ReadOnlySpan<Problem> problems, ReadOnlySpan<KernelArguments> arguments)
    {
        TrustRow[] rows = new TrustRow[problems.Length];
        for (int row = 0; row < rows.Length; row++)
            rows[row] = RatioRow(problems[row], new Operands(problems[row], arguments[row]));
        DeviceTable table = DeviceTable.Of<TrustRow>(Session.Device, rows);
        return new Loaded(Session.Device, [Session.Launch(Program, "trust_ratio_all",
            new Grid((rows.Length + CudaSession.Threads - 1) / CudaSession.Threads), [table.Address, rows.Length])], [table]);
    }

    private Loaded LoadSums(ReadOnlySpan<Problem> problems, ReadOnlySpan<KernelArguments> arguments)
    {
        List<TableShare> shares = [];
        int[] first = new int[problems.Length + 1];
        for (int row = 0; row < problems.Length; row++)
        {
            for (int chunk = 0; (long)chunk * ShareElements < problems[row].Input(0, 0).Shape.Elements; chunk++)
                shares.Add(new TableShare(row, chunk));
            first[row + 1] = shares.Count;
        }
        DeviceTable partial = DeviceTable.Of<double>(Session.Device, new double[shares.Count]);
        DeviceTable arrived = DeviceTable.Of<uint>(Session.Device, new uint[problems.Length]);
        SquaresRow[] rows = new SquaresRow[problems.Length];
        for (int row = 0; row < rows.Length; row++)
        {
            Operands at = new(problems[row], arguments[row]);
            rows[row] = new SquaresRow(at.Input(0, 0), at.Output(0, 0), partial.Address + first[row] * sizeof(double),
                arrived.Address + row * sizeof(uint), problems[row].Input(0, 0).Shape.Elements, first[row + 1] - first[row]);
        }
        DeviceTable table = DeviceTable.Of<SquaresRow>(Session.Device, rows), shareTable = DeviceTable.Of<TableShare>(Session.Device, [.. shares]);
        return new Loaded(Session.Device, [Session.Launch(Program, "squared_sum_all", new Grid(shares.Count),
            [table.Address, shareTable.Address, ShareElements])], [table, shareTable, partial, arrived]);
    }
}
