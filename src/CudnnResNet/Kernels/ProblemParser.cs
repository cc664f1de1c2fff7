using System.Collections.Immutable;
using System.Globalization;
using CudnnResNet.Graph;
using CudnnResNet.Tensors;

namespace CudnnResNet.Kernels;

/// <summary>Reads the lines that <see cref="ProblemText"/> writes into a problem of its own values.</summary>
public static class ProblemParser
{
    /// <exception cref="ResNetException">The line is not in the problem language; the message names the token.</exception>
    public static Problem Parse(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (words.Length == 0)
            throw new ResNetException("An empty line names no problem; write for example 'relu n1 h4 w4 c8 f32'.");
        Draft draft = new(line);
        int next = 1;
        while (next < words.Length && words[next][0] != '+' && words[next] != "const"
            && !words[next].StartsWith("keep:", StringComparison.Ordinal))
            next++;
        draft.AddHead(words[0], words[1..next]);
        for (; next < words.Length; next++)
        {
            string word = words[next];
            if (word == "const")
                draft.ConstantWeights = true;
            else if (word.StartsWith("keep:", StringComparison.Ordinal))
                draft.Keep(word[5..]);
            else if (word == "+bias")
                draft.AddBias();
            else if (word == "+argmax")
                draft.AddArgmax();
            else if (word[0] == '+')
                draft.AddFollower(word[1..]);
            else
                throw new ResNetException($"'{word}' in '{line}' is not part of the problem language.");
        }
        return draft.ToProblem();
    }

    private sealed class Draft(string line)
    {
        private readonly List<Value> _values = [];
        private readonly List<Node> _nodes = [];
        private readonly HashSet<int> _kept = [];

        public bool ConstantWeights { get; set; }

        public void AddHead(string name, string[] words)
        {
            Tokens tokens = new(line, words);
            Operation operation = OperationReader.Read(name, tokens, chain: null);
            TensorType chain = OperationReader.HeadChain(operation, tokens);
            tokens.RequireAllUsed();
            Append(operation, NewValue(chain, isInput: true), name);
        }

        public void AddFollower(string word)
        {
            int open = word.IndexOf('(', StringComparison.Ordinal);
            string name = open < 0 ? word : word[..open];
            string[] words = open < 0 ? [] : word[(open + 1)..].TrimEnd(')').Split(',');
            Tokens tokens = new(line, [.. words.Where(w => !w.Contains('=', StringComparison.Ordinal))]);
            if (_nodes[^1].Outputs.IsEmpty)
                throw new ResNetException($"'+{name}' in '{line}' follows an operation that makes nothing.");
            Value previous = _values[_nodes[^1].Outputs[0].Index];
            Operation operation = OperationReader.Read(name, tokens, new TensorType(previous.Shape, previous.Type));
            tokens.RequireAllUsed();
            ImmutableArray<ValueId> earlier = Problem.InputsOf(_nodes);
            Dictionary<int, ValueId> shared = [];
            foreach (string share in words.Where(w => w.Contains('=', StringComparison.Ordinal)))
            {
                string[] parts = share.Split("=@");
                if (parts.Length != 2 || !parts[0].StartsWith("in", StringComparison.Ordinal)
                    || !int.TryParse(parts[0].AsSpan(2), CultureInfo.InvariantCulture, out int slot)
                    || !int.TryParse(parts[1], CultureInfo.InvariantCulture, out int input)
                    || input < 0 || input >= earlier.Length || !shared.TryAdd(slot, earlier[input]))
                    throw new ResNetException($"'{share}' in '{line}' names no operand; write for example 'in1=@0'.");
            }
            Append(operation, previous.Id, name, shared);
        }

        public void AddBias()
        {
            if (_nodes[^1].Operation is not ConvolutionForward { Geometry.K: var k }
                || _nodes[^1].Inputs.Length != 2)
                throw new ResNetException($"'+bias' in '{line}' does not follow a forward convolution.");
            Node node = _nodes[^1];
            ValueId bias = NewValue(new(TensorShape.Vector(k), _values[node.Inputs[1].Index].Type), isInput: true);
            _nodes[^1] = node with { Inputs = [.. node.Inputs, bias] };
        }

        public void AddArgmax()
        {
            if (_nodes[^1].Operation is not MaxPool || _nodes[^1].Outputs.Length != 1)
                throw new ResNetException($"'+argmax' in '{line}' does not follow a max pool.");
            Node node = _nodes[^1];
            if (node.Operation is MaxPool { Geometry.Window: > ShapeRules.MostIndexedWindow })
                throw new ResNetException($"'+argmax' in '{line}' follows a window of more than 16 x 16, in which a place takes more than a byte.");
            TensorShape shape = _values[node.Outputs[0].Index].Shape;
            _nodes[^1] = node with { Outputs = [.. node.Outputs, NewValue(new(shape, DataType.UInt8), isInput: false)] };
        }

        public void Keep(string list)
        {
            foreach (string part in list.Split(','))
            {
                if (!int.TryParse(part, CultureInfo.InvariantCulture, out int index))
                    throw new ResNetException($"'keep:{list}' in '{line}' is not a list of positions.");
                _kept.Add(index);
            }
        }

        public Problem ToProblem()
        {
            foreach (int index in _kept)
                if (index < 0 || index >= _nodes.Count - 1)
                    throw new ResNetException($"'keep:{index}' in '{line}' is not the position of an operation before the last.");
            ImmutableArray<ValueId> outputs = [.. _nodes.SelectMany((node, i) => node.Outputs
                .Where((_, slot) => slot > 0 || i == _nodes.Count - 1 || _kept.Contains(i)))];
            return new Problem([.. _values], [.. _nodes], outputs, ConstantWeights);
        }

        private void Append(
            Operation operation, ValueId chain, string name, Dictionary<int, ValueId>? shared = null)
        {
            OperationTable.Row row = OperationTable.Of(operation);
            Value chainValue = _values[chain.Index];
            if (ShapeRules.ChainRefusal(operation, chainValue.Shape) is { } refusal)
                throw new ResNetException($"'{name}' in '{line}' {refusal}.");
            ImmutableArray<TensorType> types =
                ShapeRules.Inputs(operation, new(chainValue.Shape, chainValue.Type), inputCount: 2);
            foreach ((int slot, ValueId id) in shared ?? [])
                if (slot < 0 || slot >= types.Length || slot == row.ChainInput
                    || _values[id.Index].Shape != types[slot].Shape || _values[id.Index].Type != types[slot].Type)
                    throw new ResNetException($"'in{slot}' of '{name}' in '{line}' cannot be an operand of another shape or type.");
            ImmutableArray<ValueId> inputs = [.. types.Select((type, slot) => slot == row.ChainInput ? chain
                : shared is not null && shared.TryGetValue(slot, out ValueId id) ? id
                : NewValue(type, isInput: true))];
            ImmutableArray<TensorType> made = ShapeRules.Outputs(operation, types, outputCount: 1);
            RequireSize(types);
            RequireSize(made);
            ImmutableArray<ValueId> outputs = [.. made.Select(type => NewValue(type, isInput: false))];
            _nodes.Add(new Node(operation, inputs, outputs, name));
        }

        /// <summary>Extents come from text: their product may be anything.</summary>
        private void RequireSize(ImmutableArray<TensorType> types)
        {
            foreach (TensorType type in types)
                if (type.Shape is not { D0: > 0, D1: > 0, D2: > 0, D3: > 0 }
                    || !ElementCount.TryBytes([type.Shape.D0, type.Shape.D1, type.Shape.D2, type.Shape.D3], type.Type, out _))
                    throw new ResNetException($"'{line}' has an operand of {type.Shape}, which no memory holds.");
        }

        private ValueId NewValue(TensorType type, bool isInput)
        {
            ValueId id = new(_values.Count);
            _values.Add(new Value(id, $"v{id.Index}", type.Shape, type.Type,
                isInput ? ValueRole.Input : ValueRole.Intermediate));
            return id;
        }
    }
}
