using System.Collections;
using System.Collections.Immutable;
using CudnnResNet.Graph;

namespace CudnnResNet.Scheduling;

/// <summary>Who makes and reads each value of a graph, and which nodes depend on which.</summary>
internal sealed class GraphIndex
{
    private readonly LayerGraph _graph;
    private readonly Dictionary<Node, int> _position = [];
    private readonly int[] _producer;
    private readonly List<int>[] _readers;
    private readonly BitArray[] _ancestors;
    private readonly ImmutableArray<int>[] _chainChildren;
    private readonly HashSet<ValueId> _graphOutputs;

    public GraphIndex(LayerGraph graph)
    {
        _graph = graph;
        _graphOutputs = [.. graph.Outputs];
        _producer = new int[graph.Values.Length];
        Array.Fill(_producer, -1);
        _readers = [.. graph.Values.Select(_ => new List<int>())];
        for (int i = 0; i < graph.Nodes.Length; i++)
        {
            Node node = graph.Nodes[i];
            _position.Add(node, i);
            foreach (ValueId id in node.Outputs)
                _producer[id.Index] = i;
            foreach (ValueId id in node.Inputs)
                if (!_readers[id.Index].Contains(i))
                    _readers[id.Index].Add(i);
        }
        Dependencies = NodeDependencies();
        _ancestors = Ancestors();
        _chainChildren = [.. graph.Nodes.Select(ChainChildrenOf)];
    }

    /// <summary>
    /// For each node, the nodes that must run before it: producers of its inputs, and, where memory is changed in
    /// place, the readers before the change and the changes before a later reader.
    /// </summary>
    public ImmutableArray<ImmutableArray<int>> Dependencies { get; }

    public int PositionOf(Node node) => _position[node];

    public ImmutableArray<int> ChainChildren(int node) => _chainChildren[node];

    public bool IsReadOutside(ValueId id, List<int> path)
    {
        if (_graphOutputs.Contains(id))
            return true;
        foreach (int reader in _readers[id.Index])
            if (!path.Contains(reader))
                return true;
        return false;
    }

    /// <summary>
    /// Whether <paramref name="child"/> may join the chain: nothing else that it waits for may itself wait for a
    /// member of the chain, or the kernel would wait for itself.
    /// </summary>
    public bool CanFuse(List<int> path, int child)
    {
        foreach (int dependency in Dependencies[child])
        {
            if (path.Contains(dependency))
                continue;
            foreach (int member in path)
                if (_ancestors[dependency][member])
                    return false;
        }
        return true;
    }

    private ImmutableArray<int> ChainChildrenOf(Node node)
    {
        if (node.Outputs.IsEmpty)
            return [];
        ValueId y = node.Outputs[0];
        return [.. _readers[y.Index].Where(reader =>
        {
            Node child = _graph.Nodes[reader];
            return child.Inputs[OperationTable.Of(child.Operation).ChainInput] == y;
        })];
    }

    private ImmutableArray<ImmutableArray<int>> NodeDependencies()
    {
        List<int>[] dependencies = [.. _graph.Nodes.Select(node => node.Inputs
            .Select(id => _producer[id.Index]).Where(producer => producer >= 0).Distinct().ToList())];
        for (int i = 0; i < _graph.Nodes.Length; i++)
            foreach (int slot in OperationTable.Of(_graph.Nodes[i].Operation).MutatedInputs)
                foreach (int reader in _readers[_graph.Nodes[i].Inputs[slot].Index])
                {
                    if (reader < i)
                        dependencies[i].Add(reader);
                    else if (reader > i)
                        dependencies[reader].Add(i);
                }
        return [.. dependencies.Select(list => list.Distinct().ToImmutableArray())];
    }

    private BitArray[] Ancestors()
    {
        BitArray[] ancestors = new BitArray[_graph.Nodes.Length];
        for (int i = 0; i < ancestors.Length; i++)
        {
            ancestors[i] = new BitArray(ancestors.Length);
            foreach (int dependency in Dependencies[i])
            {
                ancestors[i].Or(ancestors[dependency]);
                ancestors[i][dependency] = true;
            }
        }
        return ancestors;
    }
}
