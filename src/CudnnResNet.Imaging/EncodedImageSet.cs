using CudnnResNet.Data;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Kernels;

namespace CudnnResNet.Imaging;

/// <summary>Images that are decoded, scaled and cropped whenever they are asked for, wherever their bytes come from.</summary>
public abstract unsafe class EncodedImageSet : IEncodedSamples
{
    private protected EncodedImageSet(ImageOptions options, ImageWorkers workers) => (Options, Workers) = (options, workers);

    public abstract string Name { get; }

    public abstract int Count { get; }

    public int Height => Options.Evaluation.Crop;

    public int Width => Options.Evaluation.Crop;

    public int Channels => PixelBuffer.Channels;

    public int ClassCount => ClassNames.Count;

    public abstract IReadOnlyList<string> ClassNames { get; }

    public DamagedImages Damaged => Options.Damaged;

    public string SampleRecipe => Options.DescribeTraining();

    public virtual bool HasPlainSamples => Options.Training.IsPlain;

    public virtual bool HasPlainImages => Options.HasPlainImages;

    private protected ImageOptions Options { get; }

    private protected ImageWorkers Workers { get; }

    public abstract ISampleSource WithSize(int side);

    public abstract int Label(int index);

    public void ReadImage(int index, Span<float> nhwc)
    {
        ImageWorker worker = Workers.Rent();
        try
        {
            Unit.FromBytes(Evaluated(index, worker), nhwc);
        }
        catch (DamagedImageException damage)
        {
            throw Named(index, damage);
        }
        finally
        {
            Workers.Return(worker);
        }
    }

    public void ReadBytes(int index, Span<byte> hwc)
    {
        ImageWorker worker = Workers.Rent();
        try
        {
            Evaluated(index, worker).CopyTo(hwc);
        }
        catch (DamagedImageException damage)
        {
            throw Named(index, damage);
        }
        finally
        {
            Workers.Return(worker);
        }
    }

    public void ReadSample(int index, CounterRandom random, Span<byte> hwc)
    {
        ImageWorker worker = Workers.Rent();
        try
        {
            MakeSample(index, random, hwc, worker);
        }
        catch (DamagedImageException damage)
        {
            throw Named(index, damage);
        }
        finally
        {
            Workers.Return(worker);
        }
    }

    public bool TryReadSample(int index, CounterRandom random, EncodedImage to)
    {
        ImageWorker worker = Workers.Rent();
        try
        {
            return worker.TryTakeSample(File(index, worker), "", Options.Training, random, to, Width);
        }
        catch (DamagedImageException damage)
        {
            throw Named(index, damage);
        }
        finally
        {
            Workers.Return(worker);
        }
    }

    public bool TryReadImage(int index, EncodedImage to)
    {
        ImageWorker worker = Workers.Rent();
        try
        {
            return worker.TryTakeImage(File(index, worker), "", Options.Evaluation, to);
        }
        catch (DamagedImageException damage)
        {
            throw Named(index, damage);
        }
        finally
        {
            Workers.Return(worker);
        }
    }

    /// <summary>The bytes of a JPEG or PNG file, valid until the worker reads another.</summary>
    private protected abstract ReadOnlySpan<byte> File(int index, ImageWorker worker);

    /// <summary>A training sample's pixels.</summary>
    private protected virtual void MakeSample(int index, CounterRandom random, Span<byte> hwc, ImageWorker worker) =>
        worker.MakeSample(File(index, worker), "", Options.Training, random, hwc, Width);

    /// <summary>The whole image, or as much of it as evaluation needs.</summary>
    private protected virtual PixelView View(int index, ImageWorker worker)
    {
        worker.Decode(File(index, worker), "", Options.Evaluation, Options.ScaledDecode);
        return worker.Source.View;
    }

    /// <summary>The error with the image's name, which is made into text only where it is needed.</summary>
    private protected abstract DamagedImageException Named(int index, DamagedImageException damage);

    private ReadOnlySpan<byte> Evaluated(int index, ImageWorker worker)
    {
        EvaluationTransform transform = Options.Evaluation;
        transform.Apply(View(index, worker), worker.Resampler, worker.Result.Resize(transform.Crop, transform.Crop));
        return worker.Result.Pixels;
    }
}
