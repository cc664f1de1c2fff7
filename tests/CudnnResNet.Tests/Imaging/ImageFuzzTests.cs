using System.Buffers.Binary;
using CudnnResNet.Data;
using CudnnResNet.Imaging;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Imaging.Records;
using CudnnResNet.Tests.Data.Fuzzing;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Imaging;

/// <summary>Damaged images and records: something consistent or a clear refusal, in bounded time and memory.</summary>
public class ImageFuzzTests
{
    /// <summary>Native memory is bounded by the pixels; on the managed side only messages are made.</summary>
    private const long ManagedBytes = 32 << 10;

    private static readonly DecodeLimits Limits = new(MaxPixels: 100_000);

    [ImagingFact]
    public void JpegMutants()
    {
        Mutator mutator = new(11, [.. new[] { "baseline420.jpg", "progressive.jpg", "ycck.jpg", "grey.jpg", "orientation6.jpg" }.Select(ImageFixture.Bytes)]);
        // libjpeg-turbo draws on past most damage inside of the compressed pixels.
        Check(mutator, mostParsed: 0.9);
    }

    [ImagingFact]
    public void PngMutants()
    {
        Mutator mutator = new(12, [.. new[] { "rgb.png", "palette_transparent.png", "bits1.png", "rgb16.png", "interlaced.png", "orientation6.png" }.Select(ImageFixture.Bytes)]);
        // Half of the mutants have rightful checksums, or none would come further than those.
        using ImageDecoder decoder = new(Limits);
        using PixelBuffer pixels = new();
        FuzzRun.Check(
            i => i % 2 == 0 ? mutator.Make(i) : WithChecksums(mutator.Make(i)),
            bytes => Decode(decoder, pixels, bytes), _ => ManagedBytes, leastParsed: 0.005);
    }

    /// <summary>As <see cref="JpegMutants"/>, by crops of which only the rows above their end are decoded.</summary>
    [ImagingFact]
    public void JpegMutantsInParts()
    {
        Mutator mutator = new(14, [.. new[] { "baseline420.jpg", "progressive.jpg", "baseline444.jpg", "grey.jpg", "baseline422.jpg" }.Select(ImageFixture.Bytes)]);
        using ImageWorker worker = new(Limits);
        TrainingTransform transform = new();
        byte[] sample = new byte[16 * 16 * 3];
        ulong number = 0;
        FuzzRun.Check(mutator.Make,
            bytes => worker.MakeSample(bytes, "mutant", transform, CounterRandom.For(5, 6, number++), sample, 16), _ => ManagedBytes, mostParsed: 0.95);
    }

    private static void Check(Mutator mutator, double mostParsed)
    {
        using ImageDecoder decoder = new(Limits);
        using PixelBuffer pixels = new();
        FuzzRun.Check(mutator.Make, bytes => Decode(decoder, pixels, bytes), _ => ManagedBytes, mostParsed: mostParsed);
    }

    [ImagingFact]
    public void RecordsMutants()
    {
        // A disk would take a hundred times as long to write a mutant as the set takes to read it.
        using TemporaryFolder folder = new(inMemory: true);
        ImageListing listing = new("set", [ImageFixture.PathOf("rgb.png"), ImageFixture.PathOf("grey.jpg")], [0, 1], ["one", "two"]);
        RecordPacker.Pack(listing, folder.File("raw"), new PackOptions(8), DecodeLimits.Standard, new DamagedImages());
        RecordPacker.Pack(listing, folder.File("jpeg"), new PackOptions(8, RecordEncoding.Jpeg), DecodeLimits.Standard, new DamagedImages());
        Mutator mutator = new(13, [File.ReadAllBytes(folder.File("raw")), File.ReadAllBytes(folder.File("jpeg"))]);
        string path = folder.File("mutant");
        ImageOptions options = new() { Evaluation = new EvaluationTransform(8, 8), Limits = Limits };
        float[] image = new float[8 * 8 * 3];
        FuzzRun.Check(
            i => i % 4 == 0 ? mutator.Make(i) : WithRecordChecksums(mutator.Make(i)),
            bytes =>
            {
                File.WriteAllBytes(path, bytes);
                try
                {
                    using RecordSet records = new(path, options);
                    for (int i = 0; i < records.Count; i++)
                        records.ReadImage(i, image);
                }
                catch (ResNetException refusal) when (refusal.Message.StartsWith(path, StringComparison.Ordinal))
                {
                    throw new ResNetException("mutant" + refusal.Message[path.Length..]);
                }
            },
            bytes => (128 << 10) + 64L * bytes, mostParsed: 0.9);
    }

    private static void Decode(ImageDecoder decoder, PixelBuffer pixels, byte[] bytes)
    {
        decoder.Decode(bytes, "mutant", 1, pixels);
        if (pixels.Width < 1 || pixels.Height < 1 || (long)pixels.Width * pixels.Height > Limits.MaxPixels)
            throw new InvalidDataException("what was decoded passes the limits");
        // Every pixel is there to be read.
        _ = pixels.Pixels.IndexOf((byte)17);
    }

    /// <summary>Rights the checksum of every chunk that lies inside of the file.</summary>
    private static byte[] WithChecksums(byte[] png)
    {
        for (long at = 8; at + 12 <= png.Length;)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan((int)at));
            if (length > png.Length - at - 12)
                break;
            Crc32 crc = new();
            crc.Append(png.AsSpan((int)at + 4, (int)length + 4));
            BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan((int)(at + 8 + length)), crc.Value);
            at += 12 + length;
        }
        return png;
    }

    /// <summary>Rights the checksums of index and header, as far as they can be found.</summary>
    private static byte[] WithRecordChecksums(byte[] file)
    {
        if (file.Length < RecordFormat.HeaderBytes + RecordFormat.TailBytes)
            return file;
        long names = BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(32));
        long index = BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(40));
        int end = file.Length - RecordFormat.TailBytes;
        if (names >= 0 && names <= index && index <= end)
        {
            for (int at = (int)index; at + RecordFormat.EntryBytes <= end; at += RecordFormat.EntryBytes)
                RightEnd(file.AsSpan(at, RecordFormat.EntryBytes));
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(48), Checksum.Of(file.AsSpan((int)names, end - (int)names)));
        }
        RightEnd(file.AsSpan(0, RecordFormat.HeaderBytes));
        return file;
    }

    private static void RightEnd(Span<byte> block) =>
        BinaryPrimitives.WriteUInt32LittleEndian(block[^4..], Checksum.Of(block[..^4]));
}
