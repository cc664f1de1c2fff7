using System.Globalization;
using CudnnResNet.Data;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Imaging.Resampling;

namespace CudnnResNet.Imaging;

/// <summary>How image files become what a network takes.</summary>
public sealed record ImageOptions
{
    public static ImageOptions Standard { get; } = new();

    /// <summary>For evaluation.</summary>
    public EvaluationTransform Evaluation { get; init; } = new();

    /// <summary>For training.</summary>
    public TrainingTransform Training { get; init; } = new();

    public DecodeLimits Limits { get; init; } = DecodeLimits.Standard;

    /// <summary>Counts images that cannot be read.</summary>
    public DamagedImages Damaged { get; init; } = new();

    /// <summary>
    /// Decode a JPEG at 1/2, 1/4 or 1/8 where that leaves all pixels that the result needs: faster, and not quite the pixels
    /// that Pillow makes.
    /// </summary>
    public bool ScaledDecode { get; init; }

    /// <summary>Everything that decides a training sample. An image that is refused gives its place to the next, so a limit counts too.</summary>
    internal string DescribeTraining() => Limits.MaxPixels == DecodeLimits.Standard.MaxPixels
        ? Training.Describe()
        : string.Create(CultureInfo.InvariantCulture, $"{Training.Describe()}, of images up to {Limits.MaxPixels} pixels");

    internal bool HasPlainImages => Evaluation.Filter == ResampleFilter.Bilinear;
}
