using CudnnResNet.Data;
using CudnnResNet.Inference;
using CudnnResNet.Models;

namespace CudnnResNet.Reporting;

/// <summary>
/// What a network said of every test image at the last evaluation, in columns by image, with pictures of the worst
/// mistakes and of some images from all over the set: <see cref="RunFolder.PredictionsFile"/>.
/// </summary>
/// <param name="Classes">At least 2.</param>
/// <param name="Labels">True classes.</param>
/// <param name="Predicted">Classes with the largest logit.</param>
/// <param name="Confidences">Their probabilities.</param>
/// <param name="Losses">Cross-entropies without smoothing.</param>
/// <param name="Worst">Pictures of the mistakes with the highest loss, that one first.</param>
/// <param name="Sample">Pictures spread over the set.</param>
public sealed record RunPredictions(
    int Classes,
    int[] Labels,
    int[] Predicted,
    float[] Confidences,
    float[] Losses,
    IReadOnlyList<TestPicture> Worst,
    IReadOnlyList<TestPicture> Sample)
{
    public static RunPredictions Of(Evaluation evaluation, IDataSet data, int classes)
    {
        IReadOnlyList<Prediction> all = evaluation.Predictions;
        bool isDrawable = data.Channels is 1 or 3;
        return new RunPredictions(
            ResNetSpec.LabelsOf(classes),
            [.. all.Select(prediction => prediction.Label)],
            [.. all.Select(prediction => prediction.Predicted)],
            [.. all.Select(prediction => (float)prediction.Confidence)],
            [.. all.Select(prediction => (float)prediction.Loss)],
            isDrawable
                ? [.. all.Where(prediction => prediction.Label != prediction.Predicted)
                    .OrderByDescending(prediction => prediction.Loss).ThenBy(prediction => prediction.Index)
                    .Take(ImageSheet.MostImages).Select(prediction => TestPicture.Of(data, prediction.Index))]
                : [],
            isDrawable
                ? [.. Enumerable.Range(0, Math.Min(ImageSheet.MostImages, all.Count))
                    .Select(i => (int)((long)i * all.Count / Math.Min(ImageSheet.MostImages, all.Count)))
                    .Select(index => TestPicture.Of(data, index))]
                : []);
    }

    public ConfusionMatrix Confusion()
    {
        ConfusionMatrix confusion = new(Classes);
        for (int i = 0; i < Labels.Length; i++)
            confusion.Add(Labels[i], Predicted[i]);
        return confusion;
    }

    internal ClassifiedImage Classified(TestPicture picture) => new(
        picture.Pixels, picture.Height, picture.Width, picture.Channels,
        Labels[picture.Index], Predicted[picture.Index], Confidences[picture.Index])
    {
        Loss = Losses[picture.Index],
    };

    /// <summary>Null where columns and pictures fit each other; else what does not.</summary>
    internal string? Fault()
    {
        if (Labels is null || Predicted is null || Confidences is null || Losses is null || Worst is null || Sample is null)
            return "a column is missing";
        if (Predicted.Length != Labels.Length || Confidences.Length != Labels.Length || Losses.Length != Labels.Length)
            return "its columns have different lengths";
        if (Classes < 2 || Labels.Concat(Predicted).Any(k => k < 0 || k >= Classes))
            return "a class is out of range";
        return Worst.Concat(Sample).Any(picture => picture.Index < 0 || picture.Index >= Labels.Length || !picture.IsWhole)
            ? "a picture is damaged"
            : null;
    }
}

/// <summary>A test image as 8-bit rows from the top, [height, width, channels], shrunk where it is large.</summary>
/// <param name="Index">In the test set.</param>
public sealed record TestPicture(int Index, int Height, int Width, int Channels, byte[] Pixels)
{
    /// <summary>Larger pictures would make the file large and are shrunk in the report anyway.</summary>
    private const int MostPixels = 112;

    internal bool IsWhole => Pixels is not null && Height > 0 && Width > 0 && Channels is 1 or 3
        && Pixels.Length == (long)Height * Width * Channels;

    internal static TestPicture Of(IDataSet data, int index)
    {
        float[] image = new float[data.ImageElements()];
        data.ReadImage(index, image);
        // Byte images are values from 0 to 1; others are stretched to what they hold.
        (float least, float most) = data is IByteImages ? (0, 1) : (image.Min(), image.Max());
        float scale = most > least ? 255 / (most - least) : 0;
        byte[] pixels = Array.ConvertAll(image, value => (byte)Math.Clamp(Math.Round((value - least) * scale), 0, 255));
        (int height, int width, byte[] shrunk) = Thumbnail.Shrink(pixels, data.Height, data.Width, data.Channels, MostPixels);
        return new TestPicture(index, height, width, data.Channels, shrunk);
    }
}
