using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Scheduling;

/// <summary>One kernel of a recorded plan, and the positions in the graph of the nodes that it does, in order.</summary>
public sealed record RecordedSegment(string Kernel, ImmutableArray<int> Nodes);

/// <summary>
/// A plan in a form that outlives the process: measured choices differ from run to run, and with them the order in which
/// sums are taken, so a run that is to continue bit for bit must get its plan back and not measure again.
/// </summary>
/// <param name="Graph">Of which graph, see <see cref="FingerprintOf"/>.</param>
/// <param name="Freed">The values that are freed and computed again, by id.</param>
/// <param name="Segments">In order of execution, over the graph in which these values are computed again.</param>
public sealed record PlanRecord(string Graph, ImmutableArray<int> Freed, ImmutableArray<RecordedSegment> Segments)
{
    private const string Format = "plan 1";

    /// <param name="graph">The fingerprint of the graph before any value was freed.</param>
    /// <param name="freed">What was freed.</param>
    /// <param name="schedule">The plan.</param>
    public static PlanRecord Of(string graph, ImmutableArray<ValueId> freed, ScheduledGraph schedule)
    {
        Dictionary<Node, int> position = [];
        for (int i = 0; i < schedule.Graph.Nodes.Length; i++)
            position.Add(schedule.Graph.Nodes[i], i);
        return new PlanRecord(graph, [.. freed.Select(id => id.Index)],
            [.. schedule.Segments.Select(segment =>
                new RecordedSegment(segment.Kernel.Name, [.. segment.Nodes.Select(node => position[node])]))]);
    }

    /// <summary>Equal for graphs of the same operations on the same shapes, connected alike.</summary>
    public static string FingerprintOf(LayerGraph graph, bool constantWeights)
    {
        StringBuilder text = new();
        foreach (Node node in graph.Nodes)
            text.Append(ProblemExtraction.Extract(graph, [node], _ => true, constantWeights).Problem.Line).Append('\t')
                .AppendJoin(' ', node.Inputs.Select(id => id.Index)).Append('\t')
                .AppendJoin(' ', node.Outputs.Select(id => id.Index)).Append('\n');
        text.AppendJoin(' ', graph.Outputs.Select(id => id.Index));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..32];
    }

    /// <summary>
    /// The schedule as it was; null where a kernel is not there any more, refuses, a segment is no chain of the graph, or
    /// the record does not cover it.
    /// </summary>
    /// <param name="graph">The graph in which <see cref="Freed"/> is computed again.</param>
    /// <param name="kernels">The backend's.</param>
    /// <param name="constantWeights">True in inference.</param>
    public ScheduledGraph? Rebuild(LayerGraph graph, ImmutableArray<Kernel> kernels, bool constantWeights)
    {
        GraphIndex index = new(graph);
        bool[] isDone = new bool[graph.Nodes.Length];
        ImmutableArray<Segment>.Builder segments = ImmutableArray.CreateBuilder<Segment>(Segments.Length);
        foreach (RecordedSegment recorded in Segments)
        {
            List<int> path = [.. recorded.Nodes];
            if (path.Count == 0 || path.Any(node => node < 0 || node >= isDone.Length || isDone[node]))
                return null;
            // Kernels take it for granted that their nodes feed each other.
            for (int i = 1; i < path.Count; i++)
                if (!index.ChainChildren(path[i - 1]).Contains(path[i]))
                    return null;
            foreach (int node in path)
                if (index.Dependencies[node].Any(needed => !isDone[needed] && !path.Contains(needed)))
                    return null;
            Node[] chain = [.. path.Select(node => graph.Nodes[node])];
            BoundProblem bound = ProblemExtraction.Extract(
                graph, chain, id => index.IsReadOutside(id, path), constantWeights);
            Kernel? kernel = kernels.FirstOrDefault(kernel => kernel.Name == recorded.Kernel);
            if (kernel is null || !kernel.Accepts(bound.Problem).IsSupported)
                return null;
            segments.Add(new Segment(bound, [.. chain], kernel, 1, [new KernelCandidate(kernel, null)]));
            foreach (int node in path)
                isDone[node] = true;
        }
        return isDone.All(done => done) ? new ScheduledGraph(graph, segments.ToImmutable()) : null;
    }

    /// <summary>A few lines of text, one for each kernel.</summary>
    public string ToText()
    {
        StringBuilder text = new();
        text.Append(Format).Append('\n').Append(Graph).Append('\n').AppendJoin(' ', Freed).Append('\n');
        foreach (RecordedSegment segment in Segments)
            text.Append(segment.Kernel).Append('\t').AppendJoin(' ', segment.Nodes).Append('\n');
        return text.ToString();
    }

    /// <summary>Reads <see cref="ToText"/>; null where the text is none of this format.</summary>
    public static PlanRecord? Parse(string text)
    {
        string[] lines = text.Split('\n');
        if (lines.Length < 4 || lines[0] != Format || Numbers(lines[2]) is not { } freed)
            return null;
        ImmutableArray<RecordedSegment>.Builder segments = ImmutableArray.CreateBuilder<RecordedSegment>();
        foreach (string line in lines[3..^1])
        {
            int tab = line.IndexOf('\t', StringComparison.Ordinal);
            if (tab < 0 || Numbers(line[(tab + 1)..]) is not { } nodes)
                return null;
            segments.Add(new RecordedSegment(line[..tab], nodes));
        }
        return new PlanRecord(lines[1], freed, segments.ToImmutable());
    }

    private static ImmutableArray<int>? Numbers(string text)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int[] numbers = new int[words.Length];
        for (int i = 0; i < words.Length; i++)
            if (!int.TryParse(words[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]))
                return null;
        return [.. numbers];
    }
}
