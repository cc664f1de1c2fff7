using CudnnResNet.Models;
using CudnnResNet.Onnx;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Weights;
using CudnnResNet.Weights.PyTorch;

namespace CudnnResNet.Tests.Data.Fuzzing;

/// <summary>Every reader of weights beside safetensors, on damaged files of its own format.</summary>
public class WeightFuzzTests
{
    // Exceptions with their stack traces, dictionaries, the directory's largest tail.
    private const long Overhead = 256 << 10;

    /// <summary>Mutants of the pickles, which are most of the file, and of the archive around them.</summary>
    [Fact]
    public void PyTorchZipMutants()
    {
        Mutator mutator = new(11, [Fixture("model-zip.pth"), Fixture("tensors-zip.pth"), Fixture("checkpoint-zip.pth")]);
        FuzzRun.Check(mutator.Make, CheckPyTorch, bytes => Overhead + 400L * bytes);
    }

    [Fact]
    public void PyTorchLegacyMutants()
    {
        Mutator mutator = new(12, [Fixture("model-legacy.pth"), Fixture("tensors-legacy.pth"), Fixture("checkpoint-legacy.pth")]);
        FuzzRun.Check(mutator.Make, CheckPyTorch, bytes => Overhead + 400L * bytes);
    }

    /// <summary>The pickle of a sound archive is damaged and its checksum is right, so that the interpreter sees it.</summary>
    [Fact]
    public void PickleMutants()
    {
        byte[] zip = Fixture("checkpoint-zip.pth");
        ZipEntry entry = ZipDirectory.Read(new MemoryStream(zip), "f").Entries.Single(e => e.Name.EndsWith("data.pkl", StringComparison.Ordinal));
        Mutator mutator = new(13, [zip.AsSpan((int)entry.DataStart, (int)entry.Bytes).ToArray()]);
        FuzzRun.Check(mutator.Make, bytes => RunPickle(bytes), bytes => Overhead + 400L * bytes);
    }

    [Fact]
    public void NpzMutants()
    {
        Mutator mutator = new(14, [Fixture("stored.npz"), Fixture("deflated.npz")]);
        FuzzRun.Check(mutator.Make, CheckNpz, bytes => Overhead + 3000L * bytes);
    }

    [Fact]
    public void IndexMutants()
    {
        byte[] index = """{"metadata":{"total_size":12},"weight_map":{"conv1.weight":"model-00001-of-00002.safetensors","fc.bias":"model-00002-of-00002.safetensors"}}"""u8.ToArray();
        Mutator mutator = new(15, [index]);
        FuzzRun.Check(mutator.Make, bytes =>
        {
            foreach (string file in ShardedSafetensors.Parse(bytes, "mutant").Values)
                Require(file.Length > 0 && !file.Contains('/') && Path.GetFileName(file) == file);
        }, bytes => Overhead + 200L * bytes);
    }

    [Fact]
    public void OnnxMutants()
    {
        using TemporaryFolder folder = new();
        ResNetSpec spec = ResNetSpec.Standard(20) with { Width = 1, Classes = 2 };
        byte[][] models = [.. new[] { true, false }.Select(fold =>
        {
            string path = folder.File($"{fold}.onnx");
            OnnxWriter.Write(path, spec, SmallNetworks.Draw(spec), fold);
            return File.ReadAllBytes(path);
        })];
        Mutator mutator = new(16, models);
        FuzzRun.Check(mutator.Make, CheckOnnx, bytes => 4L * Overhead + 400L * bytes);
    }

    private static void CheckPyTorch(byte[] bytes)
    {
        using TensorSource source = PyTorchFile.Open(new MemoryStream(bytes), "mutant");
        CheckTensors(source, bytes.Length);
    }

    private static void CheckNpz(byte[] bytes)
    {
        using TensorSource source = NpzSource.Open(new MemoryStream(bytes), "mutant");
        CheckTensors(source, 1100L * bytes.Length);
    }

    private static void CheckOnnx(byte[] bytes)
    {
        using TensorSource source = OnnxNetwork.TryOpen(new MemoryStream(bytes), "mutant")
            ?? throw new ResNetException("mutant: does not begin like an ONNX file");
        CheckTensors(source, 64L * bytes.Length);
    }

    /// <summary>Every tensor is as long as its shape, and none is longer than the file could give.</summary>
    private static void CheckTensors(TensorSource source, long mostBytes)
    {
        foreach (TensorInfo info in source.Tensors)
        {
            Require(info.Bytes <= mostBytes);
            NamedTensor tensor = source.Read(info);
            Require(tensor.Data.Length == info.Bytes && tensor.Shape.SequenceEqual(info.Shape));
        }
    }

    private static void RunPickle(byte[] bytes)
    {
        PickleInput input = new(new MemoryStream(bytes), "mutant");
        object? root = new PickleMachine(input, id => id.Items is [_, PickleName { Storage: { } type }, string key, _, long elements]
            ? new PickleStorage(key, type, 0, elements is >= 0 and < 1000 ? elements : throw input.Bad("has a storage that is not there"))
            : throw input.Bad("has no such storage")).Run();
        foreach ((_, PickleTensor tensor) in StateDictionary.Find(root, "mutant"))
            Require(TensorViews.Span(tensor) + tensor.Offset <= tensor.Storage.Elements);
    }

    private static byte[] Fixture(string name) => File.ReadAllBytes(PyTorchFileTests.Fixture(name));

    private static void Require(bool consistent)
    {
        if (!consistent)
            throw new InvalidDataException("what was parsed is not consistent");
    }
}
