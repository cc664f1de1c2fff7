using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using CudnnResNet.Data;
using CudnnResNet.Imaging;
using CudnnResNet.Imaging.Augmenting;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Imaging.Resampling;

namespace CudnnResNet.Cli.Flags;

/// <summary>The flags that say how image files become what a network takes.</summary>
internal sealed class ImageFlags(bool trains = false)
{
    private static readonly EvaluationTransform Standard = new();

    private readonly Option<int?> _resize = Flag.Whole("--resize",
        $"Scale an image file's shorter side to N pixels; 0 keeps its size (default {Standard.Resize}).");
    private readonly Option<int?> _crop = Flag.Whole("--crop",
        $"Then cut a square of N pixels from the middle, which the network takes (default {Standard.Crop}).");
    private readonly Option<int?> _minAspect = Flag.Whole("--min-aspect-dim",
        "As --resize, with --resize-dim: scale the shorter side, then crop or pad, as TensorFlow's resize_with_crop_or_pad.");
    private readonly Option<int?> _resizeDim = Flag.Whole("--resize-dim", "As --crop, with --min-aspect-dim.");
    private readonly Option<ResampleFilter?> _filter = Flag.Choice("--interpolation",
        "How images are scaled, antialiased as Pillow does (default bilinear).",
        ("bilinear", ResampleFilter.Bilinear), ("bicubic", ResampleFilter.Bicubic));
    private readonly Option<double?> _minArea = Flag.Number("--min-crop-area",
        "In training, the least share of a photograph that a random crop shows (default 0.08).");
    private readonly Option<ColourJitter?> _jitter = Flag.Make<ColourJitter?>("--color-jitter",
        "In training, change a photograph's brightness, contrast, saturation and hue by up to these (0.4,0.4,0.4,0.1 is usual).", "B,C,S,H",
        text => Numbers(text) is [var brightness, var contrast, var saturation, var hue] ? new ColourJitter(brightness, contrast, saturation, hue) : null,
        "four numbers with commas between them");
    private readonly Option<RandAugment?> _randAugment = Flag.Make<RandAugment?>("--rand-augment",
        "In training, do N random operations of magnitude M (0 to 30) to a photograph (2,9 is usual).", "N,M",
        text => Numbers(text) is [var operations, var magnitude] ? new RandAugment((int)operations, (int)magnitude) : null,
        "two whole numbers with a comma between them");
    private readonly Option<ImmutableArray<SizePoint>?> _sizes = Flag.Make<ImmutableArray<SizePoint>?>("--image-sizes",
        "Train on smaller images first: sizes from epochs on, such as 128 at first and 224 after ten epochs. Evaluations are at the last of "
            + "the sizes; of files at --crop, where it is given.", "0:128,10:224", Sizes, "epoch:size pairs such as 0:128,10:224");
    private readonly Option<bool> _scaled = Flag.Switch("--fast-decode",
        "Decode large JPEGs at 1/2, 1/4 or 1/8: faster, and pixels differ a little from Pillow's.");
    private readonly Option<long?> _maxPixels = Flag.Long("--max-pixels",
        $"Refuse images of more pixels (default {DecodeLimits.Standard.MaxPixels}).");
    private readonly Option<double?> _maxBad = Flag.Make<double?>("--max-bad",
        $"Stop when more of the images than this cannot be read (default {100 * DamagedImages.StandardShare} %).", "X%",
        text => double.TryParse(text.TrimEnd('%'), NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value is >= 0 and <= 100 ? value : null,
        "per cent, from 0 to 100");

    public void AddTo(Command command)
    {
        command.Add(_resize);
        command.Add(_crop);
        command.Add(_minAspect);
        command.Add(_resizeDim);
        command.Add(_filter);
        if (trains)
        {
            command.Add(_minArea);
            command.Add(_jitter);
            command.Add(_randAugment);
            command.Add(_sizes);
        }
        command.Add(_scaled);
        command.Add(_maxPixels);
        command.Add(_maxBad);
    }

    /// <exception cref="ResNetException">Flags that exclude each other, or a number without meaning.</exception>
    public ImageOptions Read(ParseResult parsed, Terminal terminal)
    {
        bool isTensorFlow = parsed.GetValue(_minAspect) is not null || parsed.GetValue(_resizeDim) is not null;
        if (isTensorFlow && (parsed.GetValue(_resize) is not null || parsed.GetValue(_crop) is not null))
            throw new ResNetException($"{_minAspect.Name} and {_resizeDim.Name} say the same as {_resize.Name} and {_crop.Name}; give one pair of them");
        if (parsed.GetValue(_maxPixels) is < 1)
            throw new ResNetException($"{_maxPixels.Name} is {parsed.GetValue(_maxPixels)}; give at least 1");
        int size = trains && Sizes(parsed) is [.., var last] ? last.Size : Standard.Crop;
        ResampleFilter filter = parsed.GetValue(_filter) ?? Standard.Filter;
        ImageOptions options = new()
        {
            Evaluation = new EvaluationTransform(
                parsed.GetValue(_resize) ?? parsed.GetValue(_minAspect) ?? Standard.Resize * size / Standard.Crop,
                parsed.GetValue(_crop) ?? parsed.GetValue(_resizeDim) ?? size, filter, isTensorFlow),
            Training = !trains ? new TrainingTransform(Filter: filter) : new TrainingTransform(parsed.GetValue(_minArea) ?? 0.08, Filter: filter)
            {
                Jitter = parsed.GetValue(_jitter),
                RandAugment = parsed.GetValue(_randAugment),
            },
            Damaged = Damaged(parsed, terminal),
            Limits = DecodeLimits.Standard with { MaxPixels = parsed.GetValue(_maxPixels) ?? DecodeLimits.Standard.MaxPixels },
            ScaledDecode = parsed.GetValue(_scaled),
        };
        options.Evaluation.Validate();
        options.Training.Validate();
        return options;
    }

    /// <summary>None where sizes do not change.</summary>
    public ImmutableArray<SizePoint> Sizes(ParseResult parsed) => parsed.GetValue(_sizes) ?? [];

    private static ImmutableArray<SizePoint>? Sizes(string text)
    {
        ImmutableArray<SizePoint>.Builder sizes = ImmutableArray.CreateBuilder<SizePoint>();
        foreach (string word in text.Split(','))
        {
            if (word.Split(':') is not [string epoch, string size]
                || !int.TryParse(epoch, NumberStyles.None, CultureInfo.InvariantCulture, out int from)
                || !int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out int side))
                return null;
            sizes.Add(new SizePoint(from, side));
        }
        return sizes.ToImmutable();
    }

    private static double[] Numbers(string text) => [.. text.Split(',').Select(part =>
        double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) ? value : -1)];

    private DamagedImages Damaged(ParseResult parsed, Terminal terminal) => new(
        parsed.GetValue(_maxBad) / 100 ?? DamagedImages.StandardShare,
        (_, message) => terminal.Error.WriteLine($"left out: {message}"));
}
