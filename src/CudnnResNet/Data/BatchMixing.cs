namespace CudnnResNet.Data;

/// <summary>
/// Mixup and CutMix of a whole batch: each image with that of the next slot, all with the same share, as torchvision's
/// references mix a batch with itself rolled by one. One for each thread.
/// </summary>
internal sealed class BatchMixing
{
    private const ulong Stream = 0x6D6978;
    private const ulong Kind = 0, Top = 1, Left = 2, Beta = 16, Labels = 4096;

    private readonly Augmentation _augmentation;
    private readonly ulong _seed;
    private readonly int _height;
    private readonly int _width;
    private readonly float[] _first = [];
    private readonly byte[] _firstBytes = [];

    public BatchMixing(IDataSet data, LoaderOptions options)
    {
        (_augmentation, _seed) = (options.Augmentation, options.Seed);
        (_height, _width) = (data.Height, data.Width);
        if (IsNeeded && options.FormFor(data) == BatchForm.Bytes)
            _firstBytes = new byte[data.ImageElements()];
        else if (IsNeeded)
            _first = new float[data.ImageElements()];
    }

    private bool IsNeeded => _augmentation.Mixup > 0 || _augmentation.CutMix > 0;

    /// <param name="batch">Whole, and normalised where its images are floats.</param>
    /// <param name="start">Where the batch begins in the sequence: equal places mix equally.</param>
    public void Apply(Batch batch, LoaderPosition start)
    {
        if (!IsNeeded || batch.Labels.Length < 2)
            return;
        var random = CounterRandom.For(_seed ^ Stream, (ulong)start.Epoch, (ulong)start.Index);
        bool cuts = _augmentation.CutMix > 0 && (_augmentation.Mixup == 0 || random.Below(2, Kind) == 1);
        double share = BetaDistribution.Symmetric(cuts ? _augmentation.CutMix : _augmentation.Mixup, random, Beta);
        Rectangle cut = Rectangle.Of(1 - share, _height, _width, random);
        if (cuts)
            share = 1 - (double)cut.Pixels / (_height * _width);
        if (batch.Form == BatchForm.Bytes)
            Paste(batch.MutableBytes, _firstBytes, cut);
        else if (cuts)
            Paste(batch.MutableImages, _first, cut);
        else
            Blend(batch.MutableImages, (float)share);
        int firstLabel = batch.Labels[0];
        for (int i = 0; i < batch.Labels.Length; i++)
        {
            int otherLabel = i == batch.Labels.Length - 1 ? firstLabel : batch.Labels[i + 1];
            if (random.Uniform(Labels + (ulong)i) >= share)
                batch.MutableLabels[i] = otherLabel;
        }
    }

    /// <param name="images">Of a batch.</param>
    /// <param name="first">Room for one image, which the last is mixed with.</param>
    /// <param name="cut">What of each image is the next one's.</param>
    private void Paste<T>(Span<T> images, Span<T> first, Rectangle cut)
    {
        images[..first.Length].CopyTo(first);
        int channels = first.Length / (_height * _width);
        int length = (cut.Right - cut.Left) * channels;
        for (int image = 0; image < images.Length; image += first.Length)
        {
            Span<T> to = images.Slice(image, first.Length);
            ReadOnlySpan<T> from = image + first.Length < images.Length ? images.Slice(image + first.Length, first.Length) : first;
            for (int y = cut.Top; y < cut.Bottom; y++)
            {
                int at = (y * _width + cut.Left) * channels;
                from.Slice(at, length).CopyTo(to[at..]);
            }
        }
    }

    private void Blend(Span<float> images, float share)
    {
        images[.._first.Length].CopyTo(_first);
        for (int image = 0; image < images.Length; image += _first.Length)
        {
            Span<float> to = images.Slice(image, _first.Length);
            ReadOnlySpan<float> from = image + _first.Length < images.Length ? images.Slice(image + _first.Length, _first.Length) : _first;
            for (int i = 0; i < to.Length; i++)
                to[i] = share * to[i] + (1 - share) * from[i];
        }
    }

    /// <summary>Of an area around a random centre, cut at the image's edges.</summary>
    private readonly record struct Rectangle(int Top, int Left, int Bottom, int Right)
    {
        public int Pixels => (Bottom - Top) * (Right - Left);

        public static Rectangle Of(double area, int height, int width, CounterRandom random)
        {
            double side = Math.Sqrt(area);
            (int halfHeight, int halfWidth) = ((int)(side * height / 2), (int)(side * width / 2));
            (int y, int x) = (random.Below(height, BatchMixing.Top), random.Below(width, BatchMixing.Left));
            return new Rectangle(Math.Max(0, y - halfHeight), Math.Max(0, x - halfWidth),
                Math.Min(height, y + halfHeight), Math.Min(width, x + halfWidth));
        }
    }
}
