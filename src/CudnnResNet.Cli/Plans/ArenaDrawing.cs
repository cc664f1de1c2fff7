using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Memory;
using CudnnResNet.Reporting;

namespace CudnnResNet.Cli.Plans;

/// <summary>The arena of a compiled graph as a diagram and in figures: what lasts at the bottom, what comes and goes above.</summary>
internal static class ArenaDrawing
{
    public static ArenaDiagram Of(CompiledGraph compiled, string title)
    {
        MemoryPlan memory = compiled.Memory;
        int backward = StepPhases.FirstBackward(compiled.Schedule.Segments);
        int lastStep = compiled.Schedule.Segments.Length - 1;
        List<ArenaRectangle> rectangles = [];
        foreach ((ValueId id, Region region) in memory.Persistent.OrderBy(entry => entry.Value.OffsetBytes))
            rectangles.Add(new ArenaRectangle(compiled.Graph[id].Name, KindOf(compiled.Graph[id]),
                0, lastStep, region.OffsetBytes, region.Bytes));
        for (int run = 0; run < memory.FurtherInputs.Length; run++)
            foreach ((ValueId id, Region region) in memory.FurtherInputs[run].OrderBy(entry => entry.Value.OffsetBytes))
                rectangles.Add(new ArenaRectangle($"{compiled.Graph[id].Name} {run + 2}", KindOf(compiled.Graph[id]),
                    0, lastStep, region.OffsetBytes, region.Bytes));
        for (int step = 0; step < memory.Packed.Length; step++)
            if (memory.Packed[step] is { Bytes: > 0 } packed)
                rectangles.Add(new ArenaRectangle($"{compiled.Schedule.Segments[step].Nodes[0].Scope} packed weights",
                    "packed weights", 0, lastStep, packed.OffsetBytes, packed.Bytes));
        foreach (Allocation allocation in memory.Transient)
            rectangles.Add(new ArenaRectangle(allocation.Name,
                allocation.Values.IsEmpty ? "workspace" : allocation.FirstStep < backward ? "activations" : "gradients",
                allocation.FirstStep, allocation.LastStep,
                memory.PersistentBytes + allocation.Region.OffsetBytes, allocation.Region.Bytes));
        return new ArenaDiagram(title, rectangles, memory.PeakBytes, memory.PersistentBytes + memory.LowerBoundBytes)
        {
            Phases = backward <= lastStep ? [new("forward", 0), new("backward", backward)] : [],
        };
    }

    public static IReadOnlyList<NamedValue> Figures(MemoryPlan memory) =>
    [
        new("peak", ByteSizes.Format(memory.PeakBytes)),
        new("lower bound", ByteSizes.Format(memory.PersistentBytes + memory.LowerBoundBytes)),
        new("without reuse", ByteSizes.Format(memory.PersistentBytes + memory.WithoutReuseBytes)),
        new("of it lasting (weights, state, inputs)", ByteSizes.Format(memory.PersistentBytes)),
    ];

    private static string KindOf(Value value) => value.Role switch
    {
        ValueRole.Parameter => "parameters",
        ValueRole.State => "state",
        _ => "inputs",
    };
}
