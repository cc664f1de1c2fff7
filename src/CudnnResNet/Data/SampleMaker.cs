namespace CudnnResNet.Data;

/// <summary>Makes planned samples: read, augmented and, where they are floats, normalised. One for each thread.</summary>
internal sealed class SampleMaker
{
    private readonly IDataSet _data;
    private readonly LoaderOptions _options;
    private readonly ISampleSource? _source;
    private readonly ImageTransform _transform;
    private readonly ByteNormalizer _normalizer;
    private readonly float[] _raw;
    private readonly byte[] _bytes;
    private readonly int _elements;
    private readonly bool _makesBytes;

    public SampleMaker(IDataSet data, LoaderOptions options)
    {
        (_data, _options, _source) = (data, options, data as ISampleSource);
        // Cropped with padding only where the set does not crop on its own.
        bool isPlain = _source is null || !options.Augmentation.CropsOrFlips;
        _source = isPlain ? null : _source;
        _transform = new ImageTransform(data, options.Normalization);
        _normalizer = new ByteNormalizer(options.Normalization, data.Channels);
        _elements = data.ImageElements();
        _makesBytes = options.MakesBytes(data);
        _raw = isPlain && !_makesBytes ? new float[_elements] : [];
        _bytes = isPlain == _makesBytes ? new byte[_elements] : [];
    }

    /// <summary>Fills a slot of the batch; an image that cannot be read gives its place to the next that can.</summary>
    /// <exception cref="ResNetException">Too many images cannot be read.</exception>
    public void Make(PlannedSample sample, Batch batch, int slot)
    {
        for (int tries = 0; ; tries++)
        {
            int index = (sample.Index + tries) % _data.Count;
            try
            {
                if (_makesBytes)
                    MakeBytes(sample.Epoch, index, batch.MutableBytes.Slice(slot * _elements, _elements));
                else
                    Make(sample.Epoch, index, batch.MutableImages.Slice(slot * _elements, _elements));
                batch.MutableLabels[slot] = _data.Label(index);
                return;
            }
            catch (DamagedImageException damage) when (_data is ISampleSource source && tries < _data.Count)
            {
                source.Damaged.Add(_data, index, damage);
            }
        }
    }

    private void Make(long epoch, int index, Span<float> image)
    {
        var random = CounterRandom.For(_options.Seed, (ulong)epoch, (ulong)index);
        Augmentation augmentation = _options.Augmentation;
        if (_source is not null)
        {
            _source.ReadSample(index, random, _bytes);
            _normalizer.Apply(_bytes, image);
        }
        else
        {
            _data.ReadImage(index, _raw);
            (int down, int right, bool flip) = DrawCrop(random);
            _transform.Apply(_raw, image, down, right, flip);
        }
        if (augmentation.Erasing > 0 && random.Uniform(Draws.Erasing) < augmentation.Erasing)
            RandomErasing.Apply(image, _data.Height, _data.Width, random);
    }

    private void MakeBytes(long epoch, int index, Span<byte> image)
    {
        var random = CounterRandom.For(_options.Seed, (ulong)epoch, (ulong)index);
        if (_source is not null)
        {
            _source.ReadSample(index, random, image);
            return;
        }
        ((IByteImages)_data).ReadBytes(index, _bytes);
        (int down, int right, bool flip) = DrawCrop(random);
        ByteTransform.Apply(_bytes, image, (_data.Height, _data.Width, _data.Channels), down, right, flip);
    }

    private (int Down, int Right, bool Flip) DrawCrop(CounterRandom random)
    {
        int padding = _options.Augmentation.CropPadding;
        return (random.Below(2 * padding + 1, Draws.Down) - padding, random.Below(2 * padding + 1, Draws.Right) - padding,
            _options.Augmentation.HorizontalFlip && random.Below(2, Draws.Flip) == 1);
    }
}
