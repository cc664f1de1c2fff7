using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Memory;

/// <summary>
/// The places of several plans in one block of memory, of which one runs at a time: a network for several batch or image
/// sizes, or in training and in evaluation. Plans of one family have one copy of the parameters and the state that they have
/// in common, and one place for inputs of one name, which are written before each run, and one more for each run that may be under way beside the first; all plans share the room of what lives
/// for some steps. Packed weights are each plan's own.
/// </summary>
public sealed record SharedBlock(ImmutableArray<MemoryPlan> Plans, long Bytes)
{
    /// <param name="plans">Each with its family, its graph and its own memory plan.</param>
    /// <returns>The plans in their order, moved; a single plan stays as it is.</returns>
    public static SharedBlock Of(IReadOnlyList<(string Family, LayerGraph Graph, MemoryPlan Memory)> plans)
    {
        Dictionary<(string Family, string Name, long ParameterBytes), long> sizes = [];
        List<(string Family, string Name, long ParameterBytes)> order = [];
        foreach ((string family, LayerGraph graph, MemoryPlan memory) in plans)
        {
            foreach (Value value in graph.Values)
                if (memory.Persistent.ContainsKey(value.Id))
                    Add(KeyOf(family, value), value.Bytes);
            for (int run = 0; run < memory.FurtherInputs.Length; run++)
                foreach (Value value in graph.WithRole(ValueRole.Input))
                    Add(KeyOf(family, value, run + 1), value.Bytes);
        }

        long end = 0;
        Dictionary<(string Family, string Name, long ParameterBytes), long> offsets = [];
        foreach ((string Family, string Name, long ParameterBytes) key in order)
            offsets[key] = Next(sizes[key]);
        ImmutableArray<ImmutableArray<Region>> packed = [.. plans.Select(plan =>
            plan.Memory.Packed.Select(region => new Region(Next(region.Bytes), region.Bytes)).ToImmutableArray())];
        long transientBytes = plans.Max(plan => plan.Memory.TransientBytes);
        return new SharedBlock([.. plans.Select((plan, i) => plan.Memory with
        {
            Persistent = plan.Memory.Persistent.ToImmutableDictionary(entry => entry.Key,
                entry => new Region(offsets[KeyOf(plan.Family, plan.Graph[entry.Key])], entry.Value.Bytes)),
            FurtherInputs = [.. plan.Memory.FurtherInputs.Select((inputs, run) => inputs.ToImmutableDictionary(entry => entry.Key,
                entry => new Region(offsets[KeyOf(plan.Family, plan.Graph[entry.Key], run + 1)], entry.Value.Bytes)))],
            Packed = packed[i],
            PersistentBytes = end,
            TransientBytes = transientBytes,
        })], end + transientBytes);

        void Add((string, string, long) key, long bytes)
        {
            if (!sizes.TryGetValue(key, out long most))
                order.Add(key);
            sizes[key] = Math.Max(most, bytes);
        }

        long Next(long bytes)
        {
            long offset = end;
            end += Region.Align(bytes);
            return offset;
        }
    }

    /// <summary>Of inputs, whose sizes differ with the batch, the name counts; of the rest also what it takes.</summary>
    private static (string Family, string Name, long ParameterBytes) KeyOf(string family, Value value, int run = 0) =>
        (family, run == 0 ? value.Name : $"{value.Name} of run {run}", value.Role == ValueRole.Input ? 0 : value.Bytes);
}
