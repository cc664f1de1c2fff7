using CudnnResNet.Data;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Kernels;

namespace CudnnResNet.Imaging;

/// <summary>JPEG and PNG files as a data set: decoded, scaled and cropped whenever they are asked for.</summary>
public sealed unsafe class ImageFileSet : IEncodedSamples
{
    private readonly PathTable _paths;
    private readonly int[] _labels;
    private readonly ImageOptions _options;
    private readonly ImageWorkers _workers;

    /// <exception cref="ResNetException">An option is out of range, or a library that reads images is missing.</exception>
    public ImageFileSet(ImageListing listing, ImageOptions options)
    {
        options.Evaluation.Validate();
        options.Training.Validate();
        if (ImagingProbe.Run().Refusal is { } missing)
            throw new ResNetException($"images cannot be read: {missing}");
        (Name, ClassNames, _labels, _options) = (listing.Name, listing.ClassNames, listing.Labels, options);
        ImageLabels.Check(Name, listing.Paths.Count, 1, _labels, ClassNames.Count);
        _paths = new PathTable(listing.Paths);
        _workers = new ImageWorkers(options.Limits);
    }

    private ImageFileSet(ImageFileSet set, ImageOptions options)
    {
        (Name, ClassNames, _labels, _paths, _workers) = (set.Name, set.ClassNames, set._labels, set._paths, set._workers);
        _options = options;
    }

    public string Name { get; }

    public int Count => _labels.Length;

    public int Height => _options.Evaluation.Crop;

    public int Width => _options.Evaluation.Crop;

    public int Channels => PixelBuffer.Channels;

    public int ClassCount => ClassNames.Count;

    public IReadOnlyList<string> ClassNames { get; }

    public DamagedImages Damaged => _options.Damaged;

    public ISampleSource WithSize(int side) =>
        new ImageFileSet(this, _options with { Evaluation = _options.Evaluation.WithSize(side) });

    public int Label(int index) => _labels[index];

    public string Path(int index) => _paths[index];

    public void ReadImage(int index, Span<float> nhwc)
    {
        ImageWorker worker = _workers.Rent();
        try
        {
            ReadEvaluation(index, worker);
            Unit.FromBytes(worker.Result.Pixels, nhwc);
        }
        finally
        {
            _workers.Return(worker);
        }
    }

    public void ReadBytes(int index, Span<byte> hwc)
    {
        ImageWorker worker = _workers.Rent();
        try
        {
            ReadEvaluation(index, worker);
            worker.Result.Pixels.CopyTo(hwc);
        }
        finally
        {
            _workers.Return(worker);
        }
    }

    public void ReadSample(int index, CounterRandom random, Span<byte> hwc)
    {
        ImageWorker worker = _workers.Rent();
        try
        {
            ReadOnlySpan<byte> file = worker.Files.Read(_paths, index, _options.Limits.MaxFileBytes);
            worker.MakeSample(file, "", _options.Training, random, hwc, Width);
        }
        catch (DamagedImageException damage)
        {
            throw Named(index, damage);
        }
        finally
        {
            _workers.Return(worker);
        }
    }

    public bool HasPlainSamples => _options.Training.IsPlain;

    public bool HasPlainImages => _options.HasPlainImages;

    public bool TryReadSample(int index, CounterRandom random, EncodedImage to)
    {
        ImageWorker worker = _workers.Rent();
        try
        {
            return worker.TryTakeSample(worker.Files.Read(_paths, index, _options.Limits.MaxFileBytes), "", _options.Training, random, to, Width);
        }
        catch (DamagedImageException damage)
        {
            throw Named(index, damage);
        }
        finally
        {
            _workers.Return(worker);
        }
    }

    public bool TryReadImage(int index, EncodedImage to)
    {
        ImageWorker worker = _workers.Rent();
        try
        {
            return worker.TryTakeImage(worker.Files.Read(_paths, index, _options.Limits.MaxFileBytes), "", _options.Evaluation, to);
        }
        catch (DamagedImageException damage)
        {
            throw Named(index, damage);
        }
        finally
        {
            _workers.Return(worker);
        }
    }

    private void ReadEvaluation(int index, ImageWorker worker)
    {
        EvaluationTransform transform = _options.Evaluation;
        try
        {
            ReadOnlySpan<byte> file = worker.Files.Read(_paths, index, _options.Limits.MaxFileBytes);
            worker.Decode(file, "", transform, _options.ScaledDecode);
        }
        catch (DamagedImageException damage)
        {
            throw Named(index, damage);
        }
        transform.Apply(worker.Source.View, worker.Resampler, worker.Result.Resize(transform.Crop, transform.Crop));
    }

    /// <summary>The path is made into text only where it is needed.</summary>
    private DamagedImageException Named(int index, DamagedImageException damage) =>
        damage.Message.StartsWith(':') ? new(_paths[index] + damage.Message, damage) : damage;
}
