using CudnnResNet.Kernels;

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
    private readonly BatchForm _form;

    public SampleMaker(IDataSet data, LoaderOptions options)
    {
        (_data, _options, _source) = (data, options, data as ISampleSource);
        // Cropped with padding only where the set does not crop on its own.
        bool isPlain = _source is null || !options.Augmentation.CropsOrFlips;
        _source = isPlain ? null : _source;
        _transform = new ImageTransform(data, options.Normalization);
        _normalizer = new ByteNormalizer(options.Normalization, data.Channels);
        _elements = data.ImageElements();
        _form = options.FormFor(data);
        _raw = isPlain && _form == BatchForm.Floats ? new float[_elements] : [];
        _bytes = isPlain == (_form == BatchForm.Bytes) ? new byte[_elements] : [];
    }

    /// <summary>Fills a slot of the batch; an image that cannot be read gives its place to the next that can.</summary>
    /// <param name="sample">Which image, in which epoch.</param>
    /// <param name="batch">Where to.</param>
    /// <param name="slot">The image's number in the batch.</param>
    /// <param name="onHost">Of a batch of files: decode it.</param>
    /// <exception cref="ResNetException">Too many images cannot be read.</exception>
    public void Make(PlannedSample sample, Batch batch, int slot, bool onHost = false)
    {
        for (int tries = 0; ; tries++)
        {
            int index = (sample.Index + tries) % _data.Count;
            try
            {
                var random = CounterRandom.For(_options.Seed, (ulong)sample.Epoch, (ulong)index);
                if (_form == BatchForm.Files)
                    MakeFile(index, random, batch.Files[slot], onHost);
                else if (_form == BatchForm.Bytes)
                    MakeBytes(index, random, batch.MutableBytes.Slice(slot * _elements, _elements));
                else
                    MakeFloats(index, random, batch.MutableImages.Slice(slot * _elements, _elements));
                batch.MutableLabels[slot] = _data.Label(index);
                return;
            }
            catch (DamagedImageException damage) when (_data is ISampleSource source && tries < _data.Count)
            {
                source.Damaged.Add(_data, index, damage);
            }
        }
    }

    private void MakeFloats(int index, CounterRandom random, Span<float> image)
    {
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

    private void MakeFile(int index, CounterRandom random, EncodedImage image, bool onHost)
    {
        var set = (IEncodedSamples)_data;
        bool isFile = !onHost && (_source is not null ? set.TryReadSample(index, random, image) : set.TryReadImage(index, image));
        if (isFile)
            return;
        Span<byte> pixels = image.SetPixels(_data.Width, _data.Height);
        if (_source is not null)
            _source.ReadSample(index, random, pixels);
        else
            set.ReadBytes(index, pixels);
    }

    private void MakeBytes(int index, CounterRandom random, Span<byte> image)
    {
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
