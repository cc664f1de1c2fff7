using CudnnResNet.Data;
using CudnnResNet.Imaging.Decoding;

namespace CudnnResNet.Imaging.Records;

/// <summary>A records file as a data set.</summary>
public sealed unsafe class RecordSet : EncodedImageSet, IDisposable
{
    private readonly RecordFile _file;
    private readonly bool _isShared;

    /// <exception cref="ResNetException">The file cannot be read, or an option is out of range.</exception>
    public RecordSet(string path, ImageOptions options)
        : base(options, new ImageWorkers(options.Limits))
    {
        options.Evaluation.Validate();
        options.Training.Validate();
        _file = new RecordFile(path);
    }

    private RecordSet(RecordSet set, ImageOptions options)
        : base(options, set.Workers) => (_file, _isShared) = (set._file, true);

    public override string Name => _file.Path;

    public override int Count => _file.Entries.Length;

    public override IReadOnlyList<string> ClassNames => _file.ClassNames;

    public RecordEncoding Encoding => _file.Header.Encoding;

    /// <summary>Bytes of all images together.</summary>
    public long ImageBytes => _file.Entries.Sum(entry => entry.Bytes);

    public override bool HasPlainSamples => Encoding != RecordEncoding.Raw && base.HasPlainSamples;

    public override bool HasPlainImages => Encoding != RecordEncoding.Raw && base.HasPlainImages;

    /// <summary>It reads this set's file, and is of no use once this set is disposed.</summary>
    public override ISampleSource WithSize(int side) =>
        new RecordSet(this, Options with { Evaluation = Options.Evaluation.WithSize(side) });

    public override int Label(int index) => _file.Entries[index].Label;

    /// <summary>The images whose bytes have another checksum than the index says.</summary>
    public IEnumerable<int> FindDamaged()
    {
        for (int i = 0; i < Count; i++)
            if (!_file.IsWhole(_file.Entries[i]))
                yield return i;
    }

    /// <summary>The file is unmapped: nothing may be reading any more.</summary>
    public void Dispose()
    {
        if (!_isShared)
            _file.Dispose();
    }

    private protected override ReadOnlySpan<byte> File(int index, ImageWorker worker) => _file.Image(_file.Entries[index]);

    private protected override void MakeSample(int index, CounterRandom random, Span<byte> hwc, ImageWorker worker)
    {
        if (Encoding != RecordEncoding.Raw)
        {
            base.MakeSample(index, random, hwc, worker);
            return;
        }
        PixelView view = View(index, worker);
        Options.Training.Apply(view, Options.Training.DrawCrop(view.Width, view.Height, random), worker, random, hwc, Width);
    }

    private protected override PixelView View(int index, ImageWorker worker)
    {
        if (Encoding != RecordEncoding.Raw)
            return base.View(index, worker);
        ref readonly RecordEntry entry = ref _file.Entries[index];
        return new PixelView(_file.Address(entry), entry.Width, entry.Height, entry.Width * PixelBuffer.Channels);
    }

    private protected override DamagedImageException Named(int index, DamagedImageException damage) =>
        new($"{Name}: image {index}{damage.Message}", damage);
}
