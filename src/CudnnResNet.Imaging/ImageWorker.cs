using CudnnResNet.Data;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Imaging.Resampling;
using CudnnResNet.Kernels;

namespace CudnnResNet.Imaging;

/// <summary>What one thread needs to make images: it is rented, used, and given back with its memory.</summary>
internal sealed class ImageWorker(DecodeLimits limits) : IDisposable
{
    private readonly ByteStore _copy = new();

    public FileBytes Files { get; } = new();

    public ImageDecoder Decoder { get; } = new(limits);

    public PixelBuffer Source { get; } = new();

    public Resampler Resampler { get; } = new();

    public PixelBuffer Result { get; } = new();

    /// <summary>Decodes into <see cref="Source"/>, exactly or as small as the transform still finds every detail in.</summary>
    public void Decode(ReadOnlySpan<byte> file, string name, EvaluationTransform transform, bool scaled)
    {
        int reduction = 1;
        if (scaled && JpegDecoder.Recognises(file))
        {
            (int width, int height) = Decoder.Measure(file, name);
            reduction = JpegDecoder.Reduction(Math.Min(width, height), transform.Resize);
        }
        Decoder.Decode(file, name, reduction, Source);
    }

    /// <summary>Draws a crop, decodes the file as small as leaves the crop all its pixels, and makes the sample.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="name">For messages.</param>
    /// <param name="transform">What to do.</param>
    /// <param name="random">The sample's numbers.</param>
    /// <param name="hwc">Receives [side, side, 3].</param>
    /// <param name="side">Of the square.</param>
    public void MakeSample(ReadOnlySpan<byte> file, string name, TrainingTransform transform, CounterRandom random, Span<byte> hwc, int side)
    {
        (int Width, int Height) size = Decoder.Measure(file, name);
        CropWindow crop = transform.DrawCrop(size.Width, size.Height, random);
        int reduction = JpegDecoder.Recognises(file) ? JpegDecoder.Reduction(Math.Min(crop.Width, crop.Height), side) : 1;
        CropWindow within = Decoder.DecodePart(file, name, size, crop, reduction, Source);
        transform.Apply(Source.View, within, this, random, hwc, side);
    }

    /// <summary>Hands a file on that is to be decoded elsewhere; false where it must be decoded here.</summary>
    public bool TryTakeSample(ReadOnlySpan<byte> file, string name, TrainingTransform transform, CounterRandom random, EncodedImage to, int side)
    {
        if (Decoder.MeasurePlainJpeg(file, name) is not (int width, int height))
            return false;
        to.SetFile(file, width, height, transform.Placement(width, height, random, side));
        return true;
    }

    /// <inheritdoc cref="TryTakeSample"/>
    public bool TryTakeImage(ReadOnlySpan<byte> file, string name, EvaluationTransform transform, EncodedImage to)
    {
        if (Decoder.MeasurePlainJpeg(file, name) is not (int width, int height))
            return false;
        to.SetFile(file, width, height, transform.Placement(width, height));
        return true;
    }

    /// <summary>Memory for a copy of so many bytes.</summary>
    public unsafe Span<byte> CopyOf(int bytes) => new(_copy.Reserve(bytes), bytes);

    public void Dispose()
    {
        _copy.Dispose();
        Files.Dispose();
        Decoder.Dispose();
        Source.Dispose();
        Resampler.Dispose();
        Result.Dispose();
    }
}

/// <summary>As many workers as there were ever threads at once.</summary>
internal sealed class ImageWorkers(DecodeLimits limits)
{
    private readonly Stack<ImageWorker> _idle = new();

    public ImageWorker Rent()
    {
        lock (_idle)
            if (_idle.TryPop(out ImageWorker? worker))
                return worker;
        return new ImageWorker(limits);
    }

    public void Return(ImageWorker worker)
    {
        lock (_idle)
            _idle.Push(worker);
    }
}
