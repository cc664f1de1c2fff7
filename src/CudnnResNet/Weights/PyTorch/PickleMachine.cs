using System.Numerics;

namespace CudnnResNet.Weights.PyTorch;

/// <summary>
/// Interprets the opcodes that torch.save writes (Python's pickle, protocols 2 to 5) and builds plain containers and
/// tensors. It is closed: names come from <see cref="PickleNames"/>, calls are cases of one switch, and whatever else a
/// pickle asks for is an error that says so. Work and memory are in proportion to the bytes read.
/// </summary>
internal sealed class PickleMachine(PickleInput input, Func<PickleTuple, PickleStorage> storageOf)
{
    private const int MaxIntegerBytes = 16;
    private const int MaxProtocol = 5;

    /// <summary>Lies on the stack where a group of values begins.</summary>
    private static readonly object Mark = new();

    private readonly List<object?> _stack = [];
    private readonly Dictionary<long, object?> _memo = [];
    private long _copiedPairs;

    /// <summary>Runs one pickle to its end.</summary>
    /// <exception cref="ResNetException">The pickle is damaged, or asks for what is not allowed.</exception>
    public object? Run()
    {
        _stack.Clear();
        _memo.Clear();
        while (true)
        {
            byte code = input.Byte();
            if (code == (byte)'.')
                return _stack is [var only] && only != Mark ? only : throw input.Bad("does not end with one value");
            Step(code);
        }
    }

    private void Step(byte code)
    {
        switch (code)
        {
            case 0x80:
                if (input.Byte() is var protocol and > MaxProtocol)
                    throw input.Bad($"is of protocol {protocol}");
                break;
            case 0x95:
                _ = input.Int64();      // The length of a frame, which only says how much to read ahead.
                break;
            case (byte)'(':
                Push(Mark);
                break;
            case (byte)'N':
                Push(null);
                break;
            case 0x88:
                Push(true);
                break;
            case 0x89:
                Push(false);
                break;
            case (byte)'J':
                Push((long)input.Int32());
                break;
            case (byte)'K':
                Push((long)input.Byte());
                break;
            case (byte)'M':
                Push((long)input.UInt16());
                break;
            case 0x8A:
                PushInteger(input.Byte());
                break;
            case (byte)'G':
                Push(input.Float64BigEndian());
                break;
            case (byte)'X':
                Push(input.Text((uint)input.Int32()));
                break;
            case 0x8C:
                Push(input.Text(input.Byte()));
                break;
            case 0x8D:
                Push(input.Text(input.Int64()));
                break;
            case (byte)'T':     // Python 2's strings; the names of tensors are ASCII there.
                Push(input.Text(input.Int32()));
                break;
            case (byte)'U':
                Push(input.Text(input.Byte()));
                break;
            case (byte)'B':
                Push(input.Bytes((uint)input.Int32()));
                break;
            case (byte)'C':
                Push(input.Bytes(input.Byte()));
                break;
            default:
                StepContainer(code);
                break;
        }
    }

    private void StepContainer(byte code)
    {
        switch (code)
        {
            case (byte)')':
                Push(new PickleTuple([]));
                break;
            case 0x85:
                Push(new PickleTuple(Take(1)));
                break;
            case 0x86:
                Push(new PickleTuple(Take(2)));
                break;
            case 0x87:
                Push(new PickleTuple(Take(3)));
                break;
            case (byte)'t':
                Push(new PickleTuple(Group()));
                break;
            case (byte)']':
                Push(new PickleList());
                break;
            case (byte)'a':
                object? item = Pop();
                Top<PickleList>("a list").Items.Add(item);
                break;
            case (byte)'e':
                object?[] items = Group();
                Top<PickleList>("a list").Items.AddRange(items);
                break;
            case (byte)'}':
                Push(new PickleDictionary(isOrdered: false));
                break;
            case (byte)'s':
                object?[] pair = Take(2);
                Top<PickleDictionary>("a dictionary").Items.Add(new(pair[0], pair[1]));
                break;
            case (byte)'u':
                SetItems(Group());
                break;
            default:
                StepReference(code);
                break;
        }
    }

    private void StepReference(byte code)
    {
        switch (code)
        {
            case (byte)'q':
                _memo[input.Byte()] = Peek();
                break;
            case (byte)'r':
                _memo[(uint)input.Int32()] = Peek();
                break;
            case 0x94:
                _memo[_memo.Count] = Peek();
                break;
            case (byte)'h':
                Push(Recall(input.Byte()));
                break;
            case (byte)'j':
                Push(Recall((uint)input.Int32()));
                break;
            case (byte)'c':
                Push(Named(input.Line(), input.Line()));
                break;
            case 0x93:
                Push(Take(2) is [string module, string name] ? Named(module, name) : throw input.Bad("names something by no text"));
                break;
            case (byte)'Q':
                Push(Pop() is PickleTuple id ? storageOf(id) : throw input.Bad("refers to a storage by no tuple"));
                break;
            case (byte)'R':
                Push(Take(2) is [PickleName called, PickleTuple arguments]
                    ? Call(called, arguments.Items) : throw input.Bad("calls something that is not a name"));
                break;
            case (byte)'b':
                Build();
                break;
            default:
                throw input.Bad($"has the opcode 0x{code:X2}, which is not among those that tensors need");
        }
    }

    /// <summary>The state of an OrderedDict (its _metadata) says nothing about tensors.</summary>
    private void Build()
    {
        _ = Pop();
        if (!Top<PickleDictionary>("an OrderedDict").IsOrdered)
            throw input.Bad("sets the state of something that is not an OrderedDict");
    }

    private object? Call(PickleName called, object?[] arguments)
    {
        switch (called.Call, arguments)
        {
            case (PickleCall.OrderedDictionary, []):
                return new PickleDictionary(isOrdered: true);
            case (PickleCall.OrderedDictionary, [PickleList list]):
                // A pair takes more than a byte; a list that is used again and again would take none.
                _copiedPairs += list.Items.Count;
                if (_copiedPairs > input.BytesRead)
                    throw input.Bad($"makes {_copiedPairs} pairs of OrderedDicts out of {input.BytesRead} bytes");
                PickleDictionary made = new(isOrdered: true);
                foreach (object? item in list.Items)
                    made.Items.Add(item switch
                    {
                        PickleList { Items: [var key, var value] } => new(key, value),
                        PickleTuple { Items: [var key, var value] } => new(key, value),
                        _ => throw input.Bad("makes an OrderedDict of no pairs"),
                    });
                return made;
            case (PickleCall.Tensor, { Length: 4 }):
            case (PickleCall.TensorWithHooks, { Length: 6 or 7 }):
                return arguments is [PickleStorage storage, long offset, PickleTuple shape, PickleTuple strides, ..]
                    ? TensorViews.Create(storage, offset, shape, strides, input)
                    : throw input.Bad($"calls {called.Name} with arguments that it does not take");
            case (PickleCall.Parameter, [PickleTensor tensor, bool, _]):
                return tensor;
            default:
                throw input.Bad($"calls {called.Name} with arguments that it does not take");
        }
    }

    private PickleName Named(string module, string name) => PickleNames.Find(module, name)
        ?? throw input.Bad($"asks for '{module}.{name}', which is not among the names that tensors need; nothing of it was run");

    private void PushInteger(int bytes)
    {
        if (bytes > MaxIntegerBytes)
            throw input.Bad($"has a number of {bytes} bytes");
        BigInteger value = new(input.Bytes(bytes));
        if (value >= long.MinValue && value <= long.MaxValue)
            Push((long)value);
        else
            Push(value);
    }

    private void SetItems(object?[] items)
    {
        if (items.Length % 2 != 0)
            throw input.Bad("has a dictionary key without a value");
        PickleDictionary dictionary = Top<PickleDictionary>("a dictionary");
        for (int i = 0; i < items.Length; i += 2)
            dictionary.Items.Add(new(items[i], items[i + 1]));
    }

    private void Push(object? value) => _stack.Add(value);

    private object? Peek() => _stack is [.., var top] && top != Mark ? top : throw input.Bad("takes a value from an empty stack");

    private object? Pop()
    {
        object? top = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    private T Top<T>(string what) where T : class => Peek() as T ?? throw input.Bad($"changes something that is not {what}");

    private object?[] Take(int count)
    {
        var taken = new object?[count];
        for (int i = count - 1; i >= 0; i--)
            taken[i] = Pop();
        return taken;
    }

    /// <summary>The values above the last mark, which goes with them.</summary>
    private object?[] Group()
    {
        int mark = _stack.LastIndexOf(Mark);
        if (mark < 0)
            throw input.Bad("ends a group that does not begin");
        object?[] group = [.. _stack[(mark + 1)..]];
        _stack.RemoveRange(mark, _stack.Count - mark);
        return group;
    }

    private object? Recall(long index) =>
        _memo.TryGetValue(index, out object? value) ? value : throw input.Bad($"recalls value {index}, which it has not kept");
}
