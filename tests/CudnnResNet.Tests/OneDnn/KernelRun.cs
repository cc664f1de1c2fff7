using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn;

namespace CudnnResNet.Tests.OneDnn;

/// <summary>
/// A kernel loaded over memory of its own, with a guard behind every region. Results that may be written over an
/// operand are placed there on request.
/// </summary>
internal sealed class KernelRun : IDisposable
{
    private const int GuardBytes = Region.Alignment;
    private const byte GuardByte = 0xA5;

    private readonly Problem _problem;
    private readonly Arena _arena;
    private readonly Region[] _regions;
    private readonly List<Region> _guards = [];
    private readonly double[][] _inputs;
    private long _end;

    internal KernelRun(OneDnnBackend backend, Kernel kernel, Problem problem, double[][] inputs, bool inPlace = false)
    {
        (_problem, _inputs) = (problem, inputs);
        _regions = new Region[problem.Values.Length];
        foreach (ValueId id in problem.Inputs)
            _regions[id.Index] = Reserve(problem[id].Bytes);
        foreach (ValueId id in problem.Outputs)
            _regions[id.Index] = inPlace && kernel.MayOverwrite(problem, id) is { } over
                && problem[over].Bytes == problem[id].Bytes && IsFree(over)
                    ? _regions[over.Index]
                    : Reserve(problem[id].Bytes);
        Region workspace = Reserve(kernel.WorkspaceBytes(problem));
        Region packed = Reserve(kernel.PackedBytes(problem));
        _arena = backend.Allocate(_end);
        Reset();
        Loaded = kernel.Load(problem, new KernelArguments(_arena, [.. _regions], workspace, packed));
        Loaded.Prepare();
    }

    internal LoadedKernel Loaded { get; }

    /// <summary>Writes the operands again, over what a run has changed in place.</summary>
    internal void Reset()
    {
        foreach (ValueId id in _problem.Inputs)
            _arena.Write(_regions[id.Index], TestData.ToBytes(_problem[id].Type, _inputs[id.Index]));
        byte[] guard = new byte[GuardBytes];
        Array.Fill(guard, GuardByte);
        foreach (Region region in _guards)
            _arena.Write(region, guard);
    }

    internal byte[] Read(ValueId id)
    {
        byte[] bytes = new byte[_problem[id].Bytes];
        _arena.Read(_regions[id.Index], bytes);
        return bytes;
    }

    internal double[] Values(ValueId id) => TestData.FromBytes(_problem[id].Type, Read(id));

    internal void RequireGuards()
    {
        byte[] guard = new byte[GuardBytes];
        foreach (Region region in _guards)
        {
            _arena.Read(region, guard);
            Assert.All(guard, b => Assert.Equal(GuardByte, b));
        }
    }

    /// <summary>Whether no result lies there yet.</summary>
    private bool IsFree(ValueId input) =>
        _problem.Outputs.All(output => _regions[output.Index] != _regions[input.Index]);

    private Region Reserve(long bytes)
    {
        Region region = new(_end, bytes);
        _end += Region.Align(bytes);
        _guards.Add(new Region(_end, GuardBytes));
        _end += GuardBytes;
        return region;
    }

    public void Dispose()
    {
        Loaded.Dispose();
        _arena.Dispose();
    }
}
