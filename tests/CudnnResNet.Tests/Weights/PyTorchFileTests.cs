using System.Text;
using CudnnResNet.Tensors;
using CudnnResNet.Weights;
using CudnnResNet.Weights.PyTorch;

namespace CudnnResNet.Tests.Weights;

/// <summary>Files that PyTorch wrote (Fixtures/make_pytorch.py), in both of its formats.</summary>
public class PyTorchFileTests
{
    public static TheoryData<string> Formats => ["zip", "legacy"];

    [Theory]
    [MemberData(nameof(Formats))]
    public void EveryTypeAndViewIsReadInCOrder(string format)
    {
        using TensorSource source = WeightFormats.Open(Fixture($"tensors-{format}.pth"));
        Assert.Equal($"PyTorch {format}", source.Format);
        TensorFile file = source.ReadAll();
        Check(file, "f32", DataType.Float32, [2, 3]);
        Check(file, "f64", DataType.Float64, [3]);
        Check(file, "f16", DataType.Float16, [2, 2]);
        Check(file, "bf16", DataType.BFloat16, [5]);
        Check(file, "transposed", DataType.Float32, [2, 3]);
        Check(file, "column", DataType.Float32, [3, 4]);
        Check(file, "channelsLast", DataType.Float32, [2, 3, 2, 2]);
        Check(file, "shared", DataType.Float32, [4, 6]);
        Check(file, "scalar", DataType.Float32, []);
        Check(file, "empty", DataType.Float32, [0, 3]);
        Check(file, "sharedTail", DataType.Float32, [6], first: 18);
        Assert.Equal([0L, 1, 2, 3], file.TryGet("i64")!.Data.ToArray().Chunk(8).Select(b => BitConverter.ToInt64(b)));
        Assert.Equal([0, 1, 2], file.TryGet("u8")!.Data.ToArray());
        Assert.Equal(13, file.Tensors.Count);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void WeightsAreFoundAmongOtherThings(string format)
    {
        string[] names = ["conv1.weight", "conv1.bias", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var", "bn1.num_batches_tracked"];
        foreach (string name in (string[])["checkpoint", "model"])
        {
            using TensorSource source = WeightFormats.Open(Fixture($"{name}-{format}.pth"));
            TensorFile file = NetworkFile.Read(source).File;
            Assert.Equal(names, file.Tensors.Select(tensor => tensor.Name));
            Assert.Equal([2, 1, 1, 1], file.TryGet("conv1.weight")!.Shape.AsEnumerable());
        }
        using TensorSource checkpoint = WeightFormats.Open(Fixture($"checkpoint-{format}.pth"));
        Assert.Equal([0f, 0.125f], NetworkFile.Read(checkpoint).File.TryGet("conv1.weight")!.ToFloats());
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void EveryTruncationIsRefused(string format)
    {
        byte[] whole = File.ReadAllBytes(Fixture($"model-{format}.pth"));
        for (int length = 1; length < whole.Length; length++)
            Assert.StartsWith("f", Assert.Throws<ResNetException>(() => Read(whole[..length])).Message);
    }

    [Theory]
    [InlineData("cos\nsystem\n(X\u0002\0\0\0lstR.", "os.system")]
    [InlineData("cbuiltins\neval\n(X\u0001\0\0\0ltR.", "builtins.eval")]
    [InlineData("\u008C\u0005posix\u008C\u0006system\u0093.", "posix.system")]
    [InlineData("ctorch._utils\n_rebuild_tensor_v2\n)R.", "arguments that it does not take")]
    [InlineData("ctorch._utils\n_rebuild_parameter\n(K\u0001\u0088NtR.", "arguments that it does not take")]
    [InlineData("K\u0001)R.", "calls something that is not a name")]
    [InlineData("ccollections\nOrderedDict\n(]tR}b}b.", "no tensors under")]
    [InlineData("b.", "takes a value from an empty stack")]
    [InlineData("}}b.", "not an OrderedDict")]
    [InlineData("ccollections\nOrderedDict\n)\u0081.", "opcode 0x81")]
    [InlineData("(ios\nsystem\n.", "opcode 0x69")]
    [InlineData("I1\n.", "opcode 0x49")]
    [InlineData("h\u0005.", "recalls value 5")]
    [InlineData("K\u0001K\u0002.", "does not end with one value")]
    [InlineData(".", "does not end with one value")]
    [InlineData("(.", "does not end with one value")]
    [InlineData("t.", "does not begin")]
    [InlineData("K\u0001q\u0001a.", "")]
    [InlineData("X\u00FF\u00FF\u00FF\u00FFa.", "string of 4294967295 bytes")]
    [InlineData("X\u0002\0\0\0\u00C3\u0028.", "not UTF-8")]
    [InlineData("\u008A\u00FF", "number of 255 bytes")]
    [InlineData("}K\u0001K\u0002a.", "not a list")]
    [InlineData("}(K\u0001u.", "key without a value")]
    [InlineData("K\u0001Q.", "by no tuple")]
    [InlineData("(X\u0007\0\0\0storageK\u0001tQ.", "in a way that is not known")]
    public void APickleThatAsksForAnythingElseIsRefused(string pickle, string reason)
    {
        byte[] code = [0x80, 2, .. Encoding.Latin1.GetBytes(pickle)];
        ResNetException error = Assert.Throws<ResNetException>(() => Read(Legacy(code)));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    /// <summary>A list in itself, a dictionary that is its own state_dict, and dictionaries that double at every level.</summary>
    [Fact]
    public void CyclesAndDoublingEndSoon()
    {
        Assert.Contains("no dictionary of tensors", Refusal("]q\u0001h\u0001a."), StringComparison.Ordinal);
        Assert.Contains("no dictionary of tensors", Refusal("}q\u0001X\u0005\0\0\0modelh\u0001s."), StringComparison.Ordinal);
        string doubling = "}q\0" + string.Concat(Enumerable.Range(1, 200).Select(i =>
            $"}}(X\u0005\0\0\0modelh{(char)(i - 1)}X\u0003\0\0\0neth{(char)(i - 1)}uq{(char)i}")) + "\u0087.";
        Assert.Contains("does not end with one value", Refusal(doubling), StringComparison.Ordinal);

        string Refusal(string pickle) =>
            Assert.Throws<ResNetException>(() => Read(Legacy([0x80, 2, .. Encoding.Latin1.GetBytes(pickle)]))).Message;
    }

    /// <summary>Six bytes ask for a copy of a list each time: what is made stays in proportion to what is read.</summary>
    [Fact]
    public void AListThatIsCopiedAgainAndAgainIsRefused()
    {
        string pickle = "ccollections\nOrderedDict\nq\u0001](" + string.Concat(Enumerable.Repeat("NN\u0086", 200)) + "eq\u0002"
            + string.Concat(Enumerable.Repeat("h\u0001h\u0002\u0085R", 200)) + ".";
        ResNetException error = Assert.Throws<ResNetException>(() => Read(Legacy([0x80, 2, .. Encoding.Latin1.GetBytes(pickle)])));
        Assert.Matches("makes [0-9]+ pairs of OrderedDicts out of [0-9]+ bytes", error.Message);
    }

    [Theory]
    [InlineData(0, new long[] { 5 }, new long[] { 1 })]
    [InlineData(1, new long[] { 4 }, new long[] { 1 })]
    [InlineData(0, new long[] { 2, 2 }, new long[] { 3, 1 })]
    [InlineData(-1, new long[] { 1 }, new long[] { 1 })]
    [InlineData(0, new long[] { 2 }, new long[] { -1 })]
    [InlineData(0, new long[] { 1000000 }, new long[] { 0 })]
    [InlineData(0, new long[] { 4294967296, 4294967296 }, new long[] { 0, 0 })]
    [InlineData(0, new long[] { 2 }, new long[] { 9223372036854775807 })]
    [InlineData(9223372036854775807, new long[] { 2 }, new long[] { 9223372036854775807 })]
    [InlineData(0, new long[] { 2 }, new long[] { 1, 1 })]
    public void ViewsLieWithinTheirStorage(long offset, long[] shape, long[] strides)
    {
        PickleStorage storage = new("0", new StorageType(4, DataType.Float32), 0, 4);
        PickleInput input = new(new MemoryStream([0]), "f");
        Assert.Throws<ResNetException>(() => TensorViews.Create(storage, offset, Tuple(shape), Tuple(strides), input));

        static PickleTuple Tuple(long[] values) => new([.. values.Cast<object?>()]);
    }

    internal static string Fixture(string name) => Path.Combine(AppContext.BaseDirectory, "Weights/Fixtures", name);

    internal static TensorFile Read(byte[] file)
    {
        using TensorSource source = PyTorchFile.Open(new MemoryStream(file), "f");
        return source.ReadAll();
    }

    /// <summary>A file of the older format whose content is one pickle.</summary>
    private static byte[] Legacy(byte[] pickle)
    {
        byte[] whole = File.ReadAllBytes(Fixture("model-legacy.pth"));
        int content = whole.AsSpan().IndexOf("X\u0005\0\0\0model"u8);
        int start = whole.AsSpan(0, content).LastIndexOf([(byte)0x80, (byte)2]);
        return [.. whole[..start], .. pickle, 0x80, 2, (byte)']', (byte)'.'];
    }

    private static void Check(TensorFile file, string name, DataType type, long[] shape, int first = 0)
    {
        NamedTensor tensor = file.TryGet(name)!;
        Assert.Equal(type, tensor.Type);
        Assert.Equal(shape, tensor.Shape.AsEnumerable());
        Assert.Equal(Enumerable.Range(first, (int)tensor.Elements).Select(k => k / 8.0), tensor.ToDoubles());
    }
}
