using System.Collections.Immutable;
using System.Runtime.InteropServices;
using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Cuda;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Memory;
using CudnnResNet.Models;
using CudnnResNet.Scheduling;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Cuda;

/// <summary>
/// Nothing is read behind its planned lifetime, nor before it is written: a plan whose memory is filled with NaN, region
/// by region, as soon as the last step that uses it has run, gives the same bits.
/// </summary>
[Collection("simulated GPU")]
public sealed class PoisonTests
{
    private const int Runs = 3;
    private const int Classes = 5;

    [SimulatorTheory]
    [InlineData(18, ResNetVersion.V1_5, Precision.Fp32, true)]
    [InlineData(18, ResNetVersion.V1_5, Precision.Fp32, false)]
    [InlineData(50, ResNetVersion.V2, Precision.Fp32, true)]
    [InlineData(50, ResNetVersion.V1_5, Precision.Bf16, true)]
    [InlineData(50, ResNetVersion.V1_5, Precision.Fp16, true)]
    [InlineData(18, ResNetVersion.V2, Precision.Fp16, false)]
    public void NothingIsReadBehindItsLifetime(int depth, ResNetVersion version, Precision precision, bool recordsGraphs)
    {
        using Machine machine = new(recordsGraphs);
        foreach (LayerGraph graph in (LayerGraph[])[
            TrainingSession.StepGraph(Spec(depth, version), 2, 16, 16, precision, new StepOptions(new SgdOptions(0.9, 1e-4))),
            BatchNormFolding.Apply(ResNetGraph.Inference(Spec(depth, version), 2, 16, 16, precision)).Graph])
        {
            CompiledGraph compiled = Compiler.Compile(graph, machine.Backend, GoldenNetwork.Untuned);
            Dictionary<string, byte[]> expected = Results(compiled, compiled, machine);
            Simulator.Clear();
            Dictionary<string, byte[]> poisoned = Results(compiled, Poisoned(compiled, machine, early: 0), machine);
            Assert.Empty(Simulator.Complaints());
            Assert.True(Simulator.Query("calls.simgpu_poison") > compiled.Schedule.Segments.Length / 2);
            Assert.Equal(expected.Keys.Order(), poisoned.Keys.Order());
            foreach ((string name, byte[] bytes) in expected)
                Assert.True(bytes.AsSpan().SequenceEqual(poisoned[name]), $"{name} differs");
        }
    }

    /// <summary>The check sees what it is there for: lifetimes that end one step too soon spoil the loss.</summary>
    [SimulatorFact]
    public void AnEarlyEndWouldBeSeen()
    {
        using Machine machine = new(recordsGraphs: true);
        LayerGraph graph = TrainingSession.StepGraph(
            Spec(18, ResNetVersion.V1_5), 2, 16, 16, Precision.Fp32, new StepOptions(new SgdOptions(0.9, 1e-4)));
        CompiledGraph compiled = Compiler.Compile(graph, machine.Backend, GoldenNetwork.Untuned);
        float Loss(CompiledGraph plan) => MemoryMarshal.Read<float>(Results(compiled, plan, machine)[ResNetGraph.Loss]);
        Assert.True(float.IsFinite(Loss(compiled)));
        Assert.False(float.IsFinite(Loss(Poisoned(compiled, machine, early: 1))));
    }

    private static ResNetSpec Spec(int depth, ResNetVersion version) =>
        new() { Depth = depth, Version = version, Width = 8, Classes = Classes, Stem = ResNetStem.Cifar };

    /// <summary>Everything that lasts, and the graph's results, after some runs of a plan.</summary>
    private static Dictionary<string, byte[]> Results(CompiledGraph compiled, CompiledGraph bound, Machine machine)
    {
        using ExecutionPlan plan = ExecutionPlan.Load(bound, machine.Backend);
        MemoryPlan memory = compiled.Memory;
        if (!ReferenceEquals(compiled, bound))
            plan.Arena.Write(new Region(memory.PersistentBytes, memory.TransientBytes), Enumerable.Repeat((byte)0xff, (int)memory.TransientBytes).ToArray());
        foreach (Value value in compiled.Graph.Values.Where(value => value.IsPersistent))
            Fill(plan, value);
        plan.Prepare();
        for (int run = 0; run < Runs; run++)
            plan.Run();
        Dictionary<string, byte[]> results = [];
        foreach (Value value in compiled.Graph.Values.Where(value => value.IsPersistent || compiled.Graph.Outputs.Contains(value.Id)))
        {
            byte[] bytes = new byte[value.Bytes];
            plan.Arena.Read(plan.RegionOf(value.Id), bytes);
            results[value.Name] = bytes;
        }
        return results;
    }

    private static void Fill(ExecutionPlan plan, Value value)
    {
        HostAccess access = new(plan, value);
        Random random = new(value.Name.Length * 31 + value.Id.Index);
        int elements = (int)value.Shape.Elements;
        if (value.Type == DataType.Int32)
            access.Write((ReadOnlySpan<int>)[.. Enumerable.Range(0, elements).Select(i => i % Classes)]);
        else if (value.Name == ParameterUpdates.LearningRate)
            access.Write((ReadOnlySpan<double>)[0.01]);
        else if (value.Role != ValueRole.State)
            access.Write((ReadOnlySpan<double>)[.. Enumerable.Range(0, elements).Select(_ => 0.2 * random.NextDouble() - 0.1 + (value.Shape.Rank == 1 ? 1 : 0))]);
        else if (value.Name.EndsWith("running_var", StringComparison.Ordinal))
            access.Write((ReadOnlySpan<double>)[.. Enumerable.Repeat(1.0, elements)]);
    }

    /// <summary>The same plan, with every kernel followed by the poison of what ends with it, or ends so many steps later.</summary>
    private static CompiledGraph Poisoned(CompiledGraph compiled, Machine machine, int early)
    {
        MemoryPlan memory = compiled.Memory;
        Kernel Wrap(Segment segment, int step)
        {
            IEnumerable<Region> ended = memory.Transient
                .Where(allocation => allocation.LastStep == step + early && allocation.FirstStep <= step
                    && !allocation.Values.Any(compiled.Graph.Outputs.Contains))
                .Select(allocation => allocation.Region with { OffsetBytes = memory.PersistentBytes + allocation.Region.OffsetBytes });
            return new PoisoningKernel(segment.Kernel, machine.Device, [.. ended]);
        }

        return compiled with
        {
            Schedule = compiled.Schedule with
            {
                Segments = [.. compiled.Schedule.Segments.Select((segment, step) => segment with { Kernel = Wrap(segment, step) })],
            },
        };
    }

    /// <summary>A device whose stream the test knows, and a backend on it.</summary>
    private sealed class Machine : IDisposable
    {
        public Machine(bool recordsGraphs)
        {
            Device = CudaDevice.Open(0);
            Backend = CudaBackend.OnContext(Device.Context.Value, Device.Stream.Value,
                new CudaOptions { IsDeterministic = true, RecordsGraphs = recordsGraphs });
        }

        public CudaDevice Device { get; }

        public CudaBackend Backend { get; }

        public void Dispose()
        {
            Backend.Dispose();
            Device.Dispose();
        }
    }

    private sealed class PoisoningKernel(Kernel inner, CudaDevice device, ImmutableArray<Region> ended) : Kernel
    {
        public override string Name => inner.Name;

        public override bool MayRefuseToRun => inner.MayRefuseToRun;

        public override KernelSupport Check(Problem problem) => inner.Check(problem);

        public override LoadedKernel Load(Problem problem, KernelArguments arguments) =>
            new Loaded(inner.Load(problem, arguments), device, (CudaArena)arguments.Arena, ended);

        private sealed class Loaded(LoadedKernel inner, CudaDevice device, CudaArena arena, ImmutableArray<Region> ended) : LoadedKernel
        {
            public override void Prepare() => inner.Prepare();

            public override void Run()
            {
                inner.Run();
                using ContextScope scope = device.Enter();
                foreach (Region region in ended)
                    Simulator.Poison(arena.Address(region), region.Bytes, device.Stream);
            }

            protected override void Dispose(bool disposing)
            {
                inner.Dispose();
                base.Dispose(disposing);
            }
        }
    }
}
