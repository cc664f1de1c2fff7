using System.Buffers.Binary;

using CudnnResNet.Data;
using CudnnResNet.Tensors;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Data.Fuzzing;

public class FuzzTests
{
    // Beside the data: exceptions with their stack traces, the strings of messages, lists and dictionaries of some entries.
    private const long Overhead = 32 << 10;

    [Fact]
    public void SafetensorsMutants()
    {
        byte[] mixed = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Weights/Fixtures/mixed.safetensors"));
        byte[] header = """{"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"U8","shape":[5],"data_offsets":[24,29]}}   """u8.ToArray();
        byte[] small = [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. new byte[29]];
        var mutator = new Mutator(1, [mixed, small, small]);
        FuzzRun.Check(mutator.Make, CheckSafetensors, bytes => Overhead + 16L * bytes);
    }

    [Fact]
    public void NpyMutants()
    {
        var mutator = new Mutator(2, [.. new[] { "f4.npy", "i8.npy", "u1.npy", "scalar.npy", "version2.npy", "version3.npy" }.Select(Fixture.Bytes)]);
        FuzzRun.Check(mutator.Make, CheckNpy, bytes => Overhead + 8L * bytes);
    }

    [Fact]
    public void IdxMutants()
    {
        var mutator = new Mutator(3, [Fixture.Bytes("images.idx"), [0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3]]);
        FuzzRun.Check(mutator.Make, CheckIdx, bytes => Overhead + 8L * bytes);
    }

    /// <summary>Half of the mutants are damaged in their packed form, half are damaged and then packed rightly.</summary>
    [Fact]
    public void GzipIdxMutants()
    {
        var packed = new Mutator(4, [Fixture.Bytes("images.idx.gz"), Fixture.Bytes("labels.idx.gz"), Store(Fixture.Bytes("images.idx"))]);
        var content = new Mutator(5, [Fixture.Bytes("images.idx"), [0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3]]);
        // The reader takes at most 64 kB before content comes, and deflate's own buffer is 8 kB.
        FuzzRun.Check(
            i => i % 2 == 0 ? packed.Make(i) : Store(content.Make(i)),
            bytes => CheckIdx(bytes, "mutant.gz"),
            bytes => Overhead + (72 << 10) + 8L * bytes);
    }

    private static void CheckSafetensors(byte[] bytes)
    {
        TensorFile file = Safetensors.Parse(bytes, "mutant");
        long headerBytes = (long)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        long dataBytes = 0;
        var names = new HashSet<string>();
        foreach (NamedTensor tensor in file.Tensors)
        {
            long elements = 1;
            foreach (long extent in tensor.Shape)
                elements = checked(elements * extent);
            Require(elements * tensor.Type.ByteSize() == tensor.Data.Length && elements == tensor.Elements);
            Require(names.Add(tensor.Name) && file.TryGet(tensor.Name) == tensor);
            dataBytes += tensor.Data.Length;
        }
        Require(8 + headerBytes + dataBytes == bytes.Length);
    }

    private static void CheckNpy(byte[] bytes)
    {
        NpyArray array = NpyFile.Parse(bytes, "mutant");
        long elements = 1;
        foreach (long extent in array.Shape)
            elements = checked(elements * extent);
        Require(elements * array.Type.ByteSize() == array.Data.Length);
        Require(bytes.AsSpan().EndsWith(array.Data));
    }

    private static void CheckIdx(byte[] bytes) => CheckIdx(bytes, "mutant");

    private static void CheckIdx(byte[] bytes, string name)
    {
        IdxArray array = IdxFile.Parse(bytes, name);
        long elements = 1;
        foreach (int extent in array.Shape)
            elements = checked(elements * extent);
        Require(array.Shape.Length is >= 1 and <= 4 && array.Shape.All(extent => extent >= 0) && elements == array.Data.Length);
    }

    private static void Require(bool consistent)
    {
        if (!consistent)
            throw new InvalidDataException("what was parsed is not consistent");
    }

    /// <summary>A gzip file of one stored block.</summary>
    private static byte[] Store(byte[] content)
    {
        var crc = new Crc32();
        crc.Append(content);
        var length = (ushort)content.Length;
        return [
            0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255,
            1, .. BitConverter.GetBytes(length), .. BitConverter.GetBytes((ushort)~length), .. content,
            .. BitConverter.GetBytes(crc.Value), .. BitConverter.GetBytes(content.Length),
        ];
    }
}
