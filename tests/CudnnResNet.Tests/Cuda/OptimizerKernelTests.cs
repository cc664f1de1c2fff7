using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Cuda.Kernels.Own;

namespace CudnnResNet.Tests.Cuda;

/// <summary>Updates and loss scaling against their definitions in double; lengths are no multiples of a vector.</summary>
public sealed class OptimizerKernelTests
{
    private const float Momentum = 0.9f;
    private const float Decay = 0.01f;
    private const float Rate = 0.1f;

    /// <summary>Four float32 operations on numbers of at most 2.</summary>
    private const double Tolerance = 4 * 2 * 6e-8;

    private static readonly CUdeviceptr Null = new(0);

    [HostKernelTheory]
    [InlineData(1, false)]
    [InlineData(3, true)]
    [InlineData(1031, false)]
    [InlineData(1031, true)]
    public void SgdMovesAsDefined(int elements, bool nesterov)
    {
        double[] w = Values(elements, 1), dw = Values(elements, 2), v = Values(elements, 3);
        using KernelMemory ws = Elements.Memory(w, "f32"), dws = Elements.Memory(dw, "f32"), vs = Elements.Memory(v, "f32");
        using KernelMemory rate = Elements.Memory([Rate], "f32"), scale = Elements.Memory([0.5], "f32"), trust = Elements.Memory([0.25], "f32");
        Run("sgd_update", 2, new SgdRow(ws.Address, dws.Address, vs.Address, rate.Address, scale.Address, trust.Address, Null,
            elements, Momentum, Decay, nesterov ? 1 : 0));
        double[] newW = Elements.Of(ws, "f32"), newV = Elements.Of(vs, "f32");
        for (int i = 0; i < elements; i++)
        {
            double g = 0.25 * (0.5 * (float)dw[i] + Decay * (float)w[i]);
            double velocity = Momentum * (float)v[i] + g;
            Assert.Equal(velocity, newV[i], Tolerance);
            Assert.Equal((float)w[i] - Rate * (nesterov ? g + Momentum * velocity : velocity), newW[i], Tolerance);
        }
    }

    [HostKernelFact]
    public void OneLaunchForAllTensorsGivesTheSameBits()
    {
        const int ChunkElements = 256;
        int[] lengths = [1, 256, 700, 5];
        List<KernelMemory> memory = [];
        List<SgdRow> rows = [];
        List<(int, int)> chunks = [];
        using KernelMemory rate = Elements.Memory([Rate], "f32");
        foreach (int length in lengths)
        {
            for (int chunk = 0; chunk * ChunkElements < length; chunk++)
                chunks.Add((rows.Count, chunk));
            KernelMemory[] operands = [.. Enumerable.Range(1, 3).Select(seed => Elements.Memory(Values(length, seed), "f32"))];
            memory.AddRange(operands);
            rows.Add(Row(operands[0], operands[1], operands[2], rate, length));
        }
        using (KernelMemory table = KernelMemory.Of<SgdRow>(CollectionsMarshal.AsSpan(rows)))
        using (KernelMemory shares = KernelMemory.Of<(int, int)>(CollectionsMarshal.AsSpan(chunks)))
            HostKernels.Run("sgd_update_all", chunks.Count, table, shares, ChunkElements);
        for (int i = 0; i < lengths.Length; i++)
        {
            using KernelMemory w = Elements.Memory(Values(lengths[i], 1), "f32"), dw = Elements.Memory(Values(lengths[i], 2), "f32");
            using KernelMemory v = Elements.Memory(Values(lengths[i], 3), "f32");
            Run("sgd_update", 1, Row(w, dw, v, rate, lengths[i]));
            Assert.Equal(w.Bytes.ToArray(), memory[3 * i].Bytes.ToArray());
            Assert.Equal(v.Bytes.ToArray(), memory[3 * i + 2].Bytes.ToArray());
        }
        memory.ForEach(operand => operand.Dispose());
    }

    /// <summary>
    /// Squares and their sums are formed in double and rounded to float32 once: 2^-24 of a sum of at most one an element.
    /// The second launch finds what the first has to have put back.
    /// </summary>
    [HostKernelFact]
    public void OneLaunchSumsTheSquaresOfAllTensors()
    {
        const int ChunkElements = 256;
        int[] lengths = [1, 256, 1031, 5, 70000];
        KernelMemory[] tensors = [.. lengths.Select((length, i) => Elements.Memory(Values(length, i), "f32"))];
        KernelMemory[] totals = [.. lengths.Select(_ => new KernelMemory(sizeof(float)))];
        int[] shares = [.. lengths.Select(length => (length + ChunkElements - 1) / ChunkElements)];
        using KernelMemory partial = new(shares.Sum() * sizeof(double)), arrived = KernelMemory.Of<uint>(new uint[lengths.Length]);
        SquaresRow[] rows = [.. lengths.Select((length, i) => new SquaresRow(tensors[i].Address, totals[i].Address,
            partial.Address + shares[..i].Sum() * sizeof(double), arrived.Address + i * sizeof(uint), length, shares[i]))];
        (int, int)[] chunks = [.. shares.SelectMany((count, row) => Enumerable.Range(0, count).Select(chunk => (row, chunk)))];
        using KernelMemory table = KernelMemory.Of<SquaresRow>(rows), shareTable = KernelMemory.Of<(int, int)>(chunks);
        for (int launch = 0; launch < 2; launch++)
        {
            HostKernels.Run("squared_sum_all", chunks.Length, table, shareTable, ChunkElements);
            for (int i = 0; i < lengths.Length; i++)
                Assert.Equal((float)Elements.Of(tensors[i], "f32").Sum(x => x * x), totals[i].As<float>()[0], 1e-6f * lengths[i]);
            Assert.All(arrived.As<uint>().ToArray(), count => Assert.Equal(0u, count));
            foreach (KernelMemory total in totals)
                total.Bytes.Fill(0xff);
        }
        foreach (KernelMemory memory in tensors.Concat(totals))
            memory.Dispose();
    }

    [HostKernelFact]
    public void AnOverflowIsFoundStopsTheUpdateAndLowersTheScale()
    {
        double[] dw = Values(1031, 2);
        using KernelMemory w = Elements.Memory(Values(1031, 1), "f32"), v = Elements.Memory(Values(1031, 3), "f32");
        using KernelMemory rate = Elements.Memory([Rate], "f32"), flag = Elements.Memory([0], "f32");
        using KernelMemory scale = Elements.Memory([1024], "f32"), inverse = Elements.Memory([1.0 / 1024], "f32");
        using KernelMemory good = Elements.Memory([0], "f32"), skipped = Elements.Memory([0], "f32");
        foreach (double spoiled in (double[])[double.PositiveInfinity, double.NaN])
        {
            using KernelMemory gradient = Elements.Memory([.. dw[..^1], spoiled], "f32");
            byte[] before = [.. w.Bytes, .. v.Bytes];
            Run("find_overflow", 2, new OverflowRow(gradient.Address, flag.Address, 1031));
            Assert.Equal(1, Elements.Of(flag, "f32")[0]);
            Run("sgd_update", 1, Row(w, gradient, v, rate, 1031) with { Overflow = flag.Address });
            Run("blend", 1, new BlendRow(v.Address, w.Address, flag.Address, 1031, 0.5f, 0.5f));
            Assert.Equal(before, (byte[])[.. w.Bytes, .. v.Bytes]);
            Adjust();
        }
        Assert.Equal([256, 1.0 / 256, 0, 2], State());
        using KernelMemory finite = Elements.Memory(dw, "f32");
        using KernelMemory table = KernelMemory.Of<OverflowRow>([new OverflowRow(finite.Address, flag.Address, 1031)]);
        using KernelMemory shares = KernelMemory.Of<(int, int)>([(0, 0), (0, 1)]);
        for (int step = 0; step < 4; step++)
        {
            HostKernels.Run("find_overflow_all", 2, table, shares, 1024);
            Adjust();
        }
        Assert.Equal([512, 1.0 / 512, 1, 2], State());

        void Adjust()
        {
            HostKernels.Run("adjust_loss_scale", 1, flag, scale, inverse, good, skipped, 2f, 0.5f, 3f);
            Assert.Equal(0, Elements.Of(flag, "f32")[0]);
        }

        double[] State() => [.. new[] { scale, inverse, good, skipped }.Select(memory => Elements.Of(memory, "f32")[0])];
    }

    /// <summary>What is not read may hold anything.</summary>
    [HostKernelTheory]
    [InlineData(0.75f, 0.25f)]
    [InlineData(0f, 1f)]
    [InlineData(0f, 0f)]
    [InlineData(1f, 0f)]
    public void BlendReadsOnlyWhatItTakes(float keep, float take)
    {
        double[] nothing = [.. Enumerable.Repeat(double.NaN, 9)], x = Values(9, 1), y = Values(9, 2);
        using KernelMemory ys = Elements.Memory(keep == 0 ? nothing : y, "f32"), xs = Elements.Memory(take == 0 ? nothing : x, "f32");
        Run("blend", 1, new BlendRow(ys.Address, xs.Address, Null, 9, keep, take));
        Assert.All(Elements.Of(ys, "f32").Zip(x.Zip(y)), row =>
            Assert.Equal(keep * (float)row.Second.Second + take * (float)row.Second.First, row.First, 1e-6));
    }

    private static double[] Values(int count, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => 2 * random.NextDouble() - 1)];
    }

    private static SgdRow Row(KernelMemory w, KernelMemory dw, KernelMemory velocity, KernelMemory rate, int elements) =>
        new(w.Address, dw.Address, velocity.Address, rate.Address, Null, Null, Null, elements, Momentum, Decay, Nesterov: 1);

    private static void Run<TRow>(string kernel, int blocks, TRow row) where TRow : unmanaged =>
        HostKernels.Run(kernel, blocks, LaunchArgument.Of(row));
}
