using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Tests.Conformance;

/// <summary>
/// The contents of an arena that holds one problem's operands, workspace and packed weights, with a guard before and
/// behind each. What a kernel has to write is filled with NaNs beforehand, as is its workspace.
/// </summary>
internal sealed class ArenaImage
{
    private const int GuardBytes = 4 * Region.Alignment;
    private const byte GuardByte = 0xA5;

    /// <summary>Any two or more of these bytes are a NaN in bf16, float32 and float64.</summary>
    private const byte NaNByte = 0xFF;

    private readonly Problem _problem;
    private readonly ImmutableArray<Region> _values;
    private readonly Region _workspace;
    private readonly Region _packed;
    private readonly byte[] _before;
    private readonly byte[] _after;

    /// <param name="problem">The problem.</param>
    /// <param name="kernel">Whose workspace and packed weights to make room for.</param>
    /// <param name="overwrites">Outputs that lie on an input.</param>
    public ArenaImage(Problem problem, Kernel kernel, IReadOnlyDictionary<ValueId, ValueId>? overwrites = null)
    {
        _problem = problem;
        long end = GuardBytes;
        Region Next(long bytes)
        {
            Region region = new(end, bytes);
            end += Region.Align(bytes) + GuardBytes;
            return region;
        }

        Region[] values = new Region[problem.Values.Length];
        foreach (ValueId id in problem.Inputs)
            values[id.Index] = Next(problem[id].Bytes);
        foreach (ValueId id in problem.Outputs)
            values[id.Index] = overwrites is not null && overwrites.TryGetValue(id, out ValueId input)
                ? values[input.Index]
                : Next(problem[id].Bytes);
        _values = [.. values];
        _workspace = Next(kernel.WorkspaceBytes(problem));
        _packed = Next(kernel.PackedBytes(problem));

        _before = new byte[end];
        _before.AsSpan().Fill(GuardByte);
        foreach (ValueId id in problem.Outputs)
            Slice(_before, _values[id.Index]).Fill(NaNByte);
        Slice(_before, _workspace).Fill(NaNByte);
        Slice(_before, _packed).Fill(NaNByte);
        _after = new byte[end];
    }

    public long Bytes => _before.Length;

    public void Set(ValueId input, double[] values) =>
        StorageFormat.Encode(values, _problem[input].Type, Slice(_before, _values[input.Index]));

    /// <summary>Lays the image into the arena and binds the kernel to it.</summary>
    public LoadedKernel Load(Kernel kernel, Arena arena)
    {
        arena.Write(new Region(0, Bytes), _before);
        return kernel.Load(_problem, new KernelArguments(arena, _values, _workspace, _packed));
    }

    /// <summary>Lays the image into the arena, runs the kernel <paramref name="runs"/> times from there, reads it back.</summary>
    public void Run(Kernel kernel, IBackend backend, Arena arena, int runs = 1)
    {
        using LoadedKernel loaded = Load(kernel, arena);
        for (int i = 0; i < runs; i++)
        {
            arena.Write(new Region(0, Bytes), _before);
            loaded.Prepare();
            loaded.Run();
            backend.Synchronize();
        }
        arena.Read(new Region(0, Bytes), _after);
    }

    /// <summary>A value after the run.</summary>
    public double[] Get(ValueId id) =>
        StorageFormat.Decode(Slice(_after, _values[id.Index]), _problem[id].Type);

    public ReadOnlySpan<byte> GetBytes(ValueId id) => Slice(_after, _values[id.Index]);

    /// <summary>The first byte that changed outside everything that the kernel may write, or null.</summary>
    public string? Trespass()
    {
        byte[] allowed = (byte[])_after.Clone();
        foreach (Region region in Writable())
            Slice(_before, region).CopyTo(Slice(allowed, region));
        int at = allowed.AsSpan().CommonPrefixLength(_before);
        if (at == _before.Length)
            return null;
        foreach (ValueId id in _problem.Inputs)
            if (at >= _values[id.Index].OffsetBytes && at < _values[id.Index].OffsetBytes + _values[id.Index].Bytes)
                return $"input {_problem.Inputs.IndexOf(id)} was changed";
        return $"byte {at} was written, outside all operands ({Describe()})";
    }

    private IEnumerable<Region> Writable()
    {
        foreach (ValueId id in _problem.Outputs)
            yield return _values[id.Index];
        foreach (Node node in _problem.Nodes)
            foreach (int slot in OperationTable.Of(node.Operation).MutatedInputs)
                yield return _values[node.Inputs[slot].Index];
        yield return _workspace;
        yield return _packed;
    }

    private string Describe() => string.Join(", ",
        _problem.Values.Where(value => _values[value.Id.Index].Bytes > 0)
            .Select(value => $"{value.Id} {Range(_values[value.Id.Index])}")
            .Append($"workspace {Range(_workspace)}").Append($"packed {Range(_packed)}"));

    private static string Range(Region region) => $"{region.OffsetBytes}..{region.OffsetBytes + region.Bytes}";

    private static Span<byte> Slice(byte[] bytes, Region region) => bytes.AsSpan((int)region.OffsetBytes, (int)region.Bytes);
}
