using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Imaging.Resampling;

namespace CudnnResNet.Imaging;

/// <summary>What one thread needs to make images: it is rented, used, and given back with its memory.</summary>
internal sealed class ImageWorker(DecodeLimits limits) : IDisposable
{
    public FileBytes Files { get; } = new();

    public ImageDecoder Decoder { get; } = new(limits);

    public PixelBuffer Source { get; } = new();

    public Resampler Resampler { get; } = new();

    public PixelBuffer Result { get; } = new();

    public void Dispose()
    {
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
