using CudnnResNet.Data;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Kernels;

namespace CudnnResNet.Imaging.Records;

/// <summary>A records file as a data set.</summary>
public sealed unsafe class RecordSet : IEncodedSamples, IDisposable
{
    private readonly RecordFile _file;
    private readonly ImageOptions _options;
    private readonly ImageWorkers _workers;
    private readonly bool _isShared;

    /// <exception cref="ResNetException">The file cannot be read, or an option is out of range.</exception>
    public RecordSet(string path, ImageOptions options)
    {
        options.Evaluation.Validate();
        options.Training.Validate();
        _file = new RecordFile(path);
        _options = options;
        _workers = new ImageWorkers(options.Limits);
    }

    private RecordSet(RecordSet set, ImageOptions options) =>
        (_file, _workers, _options, _isShared) = (set._file, set._workers, options, true);

    public string Name => _file.Path;

    public int Count => _file.Entries.Length;

    public int Height => _options.Evaluation.Crop;

    public int Width => _options.Evaluation.Crop;

    public int Channels => PixelBuffer.Channels;

    public int ClassCount => ClassNames.Count;

    public IReadOnlyList<string> ClassNames => _file.ClassNames;

    public DamagedImages Damaged => _options.Damaged;

    public RecordEncoding Encoding => _file.Header.Encoding;

    /// <summary>Bytes of all images together.</summary>
    public long ImageBytes => _file.Entries.Sum(entry => entry.Bytes);

    /// <summary>It reads this set's file, and is of no use once this set is disposed.</summary>
    public ISampleSource WithSize(int side) =>
        new RecordSet(this, _options with { Evaluation = _options.Evaluation.WithSize(side) });

    public int Label(int index) => _file.Entries[index].Label;

    /// <summary>The images whose bytes have another checksum than the index says.</summary>
    public IEnumerable<int> FindDamaged()
    {
        for (int i = 0; i < Count; i++)
            if (!_file.IsWhole(_file.Entries[i]))
                yield return i;
    }

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
            TrainingTransform transform = _options.Training;
            if (Encoding == RecordEncoding.Raw)
            {
                PixelView view = View(index, worker);
                transform.Apply(view, transform.DrawCrop(view.Width, view.Height, random), worker, random, hwc, Width);
            }
            else
            {
                worker.MakeSample(_file.Image(_file.Entries[index]), "", transform, random, hwc, Width);
            }
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

    public bool HasPlainSamples => Encoding != RecordEncoding.Raw && _options.Training.IsPlain;

    public bool HasPlainImages => Encoding != RecordEncoding.Raw && _options.HasPlainImages;

    public bool TryReadSample(int index, CounterRandom random, EncodedImage to)
    {
        ImageWorker worker = _workers.Rent();
        try
        {
            return worker.TryTakeSample(_file.Image(_file.Entries[index]), "", _options.Training, random, to, Width);
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
            return worker.TryTakeImage(_file.Image(_file.Entries[index]), "", _options.Evaluation, to);
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

    /// <summary>The file is unmapped: nothing may be reading any more.</summary>
    public void Dispose()
    {
        if (!_isShared)
            _file.Dispose();
    }

    private void ReadEvaluation(int index, ImageWorker worker)
    {
        EvaluationTransform transform = _options.Evaluation;
        transform.Apply(View(index, worker), worker.Resampler, worker.Result.Resize(transform.Crop, transform.Crop));
    }

    private PixelView View(int index, ImageWorker worker)
    {
        ref readonly RecordEntry entry = ref _file.Entries[index];
        if (Encoding == RecordEncoding.Raw)
            return new PixelView(_file.Address(entry), entry.Width, entry.Height, entry.Width * PixelBuffer.Channels);
        try
        {
            worker.Decode(_file.Image(entry), "", _options.Evaluation, _options.ScaledDecode);
            return worker.Source.View;
        }
        catch (DamagedImageException damage)
        {
            throw Named(index, damage);
        }
    }

    private DamagedImageException Named(int index, DamagedImageException damage) => new($"{Name}: image {index}{damage.Message}", damage);
}
