using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using System.Text;
using CudnnResNet.Data;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Imaging.Resampling;

namespace CudnnResNet.Imaging.Records;

/// <summary>How images are packed.</summary>
/// <param name="Side">The shorter side is scaled down to so many pixels; smaller images stay as they are.</param>
/// <param name="Encoding">Of the images in the file.</param>
/// <param name="Quality">Of JPEG, 1 to 100.</param>
public sealed record PackOptions(int Side = 256, RecordEncoding Encoding = RecordEncoding.Raw, int Quality = 95)
{
    /// <exception cref="ResNetException">A number without meaning.</exception>
    public void Validate()
    {
        if (Side is < 1 or > 8192)
            throw new ResNetException($"a shorter side of {Side} pixels is not possible; give 1 to 8192");
        if (Quality is < 1 or > 100)
            throw new ResNetException($"a JPEG quality of {Quality} has no meaning; give 1 to 100");
    }
}

/// <summary>What a pack did.</summary>
/// <param name="Images">In the file.</param>
/// <param name="Resumed">Of them those that a broken-off pack had left.</param>
/// <param name="LeftOut">Images that cannot be read.</param>
public sealed record PackResult(int Images, int Resumed, int LeftOut);

/// <summary>Packs image files into one records file, on all cores; the file depends on the images and options alone.</summary>
public static unsafe class RecordPacker
{
    private const int ChunkImages = 64;

    /// <param name="listing">The images.</param>
    /// <param name="path">The file to make or to replace; while it is made it is called FILE.partial.</param>
    /// <param name="options">How.</param>
    /// <param name="limits">Of the images.</param>
    /// <param name="damaged">Counts images that cannot be read, which are left out.</param>
    /// <param name="onProgress">Hears how many images of the listing are done.</param>
    /// <param name="cancellation">Breaks off; the next pack of the same continues.</param>
    /// <exception cref="ResNetException">Too many images cannot be read, or the file cannot be written.</exception>
    public static PackResult Pack(ImageListing listing, string path, PackOptions options, DecodeLimits limits, DamagedImages damaged,
        Action<int>? onProgress = null, CancellationToken cancellation = default)
    {
        options.Validate();
        ImageFileSet set = new(listing, new ImageOptions { Limits = limits, Damaged = damaged });
        ImageWorkers workers = new(limits);
        PathTable paths = new(listing.Paths);
        using RecordWriter writer = new(path, options.Encoding, Fingerprint(listing, options));
        int resumed = writer.Count;
        var chunk = new PackedImage?[ChunkImages];
        try
        {
            for (int first = writer.NextSource; first < listing.Paths.Count; first += ChunkImages)
            {
                cancellation.ThrowIfCancellationRequested();
                int count = Math.Min(ChunkImages, listing.Paths.Count - first);
                int start = first;
                Parallel.For(0, count, i => chunk[i] = Read(set, paths, start + i, workers, options, limits));
                for (int i = 0; i < count; i++)
                    if (chunk[i] is { } image)
                        writer.Add(image.Bytes, image.Width, image.Height, listing.Labels[first + i], first + i);
                onProgress?.Invoke(first + count);
            }
        }
        catch (AggregateException several)
        {
            ExceptionDispatchInfo.Throw(several.InnerExceptions[0]);
        }
        catch (IOException error)
        {
            throw new ResNetException($"{path}: cannot be written ({error.Message}); free some space and pack again, which continues", error);
        }
        if (writer.Count == 0)
            throw new ResNetException($"{listing.Name}: none of its images can be read");
        writer.Finish(listing.ClassNames);
        return new PackResult(writer.Count, resumed, listing.Paths.Count - writer.Count);
    }

    private static PackedImage? Read(ImageFileSet set, PathTable paths, int index, ImageWorkers workers, PackOptions options, DecodeLimits limits)
    {
        ImageWorker worker = workers.Rent();
        try
        {
            ReadOnlySpan<byte> file = worker.Files.Read(paths, index, limits.MaxFileBytes);
            worker.Decoder.Decode(file, paths[index], 1, worker.Source);
            PixelView view = worker.Source.View;
            EvaluationTransform scale = new(Math.Min(options.Side, Math.Min(view.Width, view.Height)));
            (int width, int height) = scale.Resized(view.Width, view.Height);
            worker.Resampler.Resize(view, ResizeRegion.All(width, height), worker.Result.Resize(width, height), width * PixelBuffer.Channels, ResampleFilter.Bilinear);
            return new PackedImage(width, height, options.Encoding == RecordEncoding.Raw
                ? worker.Result.Pixels.ToArray()
                : JpegEncoder.Encode(worker.Result.View, options.Quality));
        }
        catch (DamagedImageException damage)
        {
            set.Damaged.Add(set, index, damage);
            return null;
        }
        finally
        {
            workers.Return(worker);
        }
    }

    private static ulong Fingerprint(ImageListing listing, PackOptions options)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{options.Side} {options.Encoding} {options.Quality} {string.Join('\n', listing.ClassNames)}\n"));
        for (int i = 0; i < listing.Paths.Count; i++)
            hash.AppendData(Encoding.UTF8.GetBytes($"{listing.Paths[i]}\n{listing.Labels[i]}\n"));
        return BitConverter.ToUInt64(hash.GetHashAndReset());
    }

    private sealed record PackedImage(int Width, int Height, byte[] Bytes);
}
