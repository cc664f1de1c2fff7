using CudnnResNet.Data;
using CudnnResNet.Execution;
using CudnnResNet.Imaging;
using CudnnResNet.Inference;
using CudnnResNet.Reporting;

namespace CudnnResNet.Cli.Commands;

/// <summary>Runs a network over image files, batch by batch, and hands out each image with its likeliest classes.</summary>
internal sealed class ImagePredictions(InferenceSession session, ImageFileSet images, Normalization normalization, IReadOnlyList<string> names, int top)
{
    /// <summary>A longer sheet is no longer looked at, and would take gigabytes for a large folder.</summary>
    private const int MostPictures = 500;

    /// <summary>Receives all logits where they are wanted, [N, classes].</summary>
    public float[]? Logits { get; init; }

    /// <summary>Receives the first pictures where they are wanted.</summary>
    public List<PredictedImage>? Pictures { get; init; }

    /// <returns>How many images could not be read.</returns>
    public int Run(Action<Classified> print)
    {
        Dictionary<int, string> reasons = [];
        int failed = 0;
        // Every damaged file is named and the others are classified.
        EvaluationBatches batches = new(images, session.Batch, normalization, new DamagedImages(1, (damaged, message) => reasons[damaged] = message));
        SubmittedBatches submitted = new(session);
        for (int index = 0; index < batches.BatchCount; index++)
        {
            using StepTrace.StepScope step = StepTrace.Step(session.Trace);
            Batch batch = batches.Read(index);
            if (submitted.IsFull)
                failed += HandOut(submitted.Collect(), reasons, print);
            submitted.Submit(batch, index * session.Batch);
            while (submitted.MustBeCollected)
                failed += HandOut(submitted.Collect(), reasons, print);
        }
        while (submitted.Pending > 0)
            failed += HandOut(submitted.Collect(), reasons, print);
        return failed;
    }

    /// <returns>How many of the batch could not be read.</returns>
    private int HandOut(ClassifiedBatch batch, Dictionary<int, string> reasons, Action<Classified> print)
    {
        int classes = session.Spec.Classes;
        int failed = 0;
        for (int i = 0; i < batch.Labels.Length; i++)
        {
            int image = batch.First + i;
            string path = images.Path(image);
            if (batch.Labels[i] == EvaluationBatches.NoLabel)
            {
                failed++;
                print(new Classified(path, null, reasons[image]));
                continue;
            }
            ReadOnlySpan<float> row = batch.Logits.Slice(i * classes, classes);
            LikelyClass[] likely = [.. Classification.Top(row, top).Select(each => new LikelyClass(each.Class, names[each.Class], each.Probability))];
            Keep(image, path, likely);
            print(new Classified(path, likely, null));
            if (Logits is not null)
                row.CopyTo(Logits.AsSpan(image * classes));
        }
        return failed;
    }

    private void Keep(int image, string path, LikelyClass[] likely)
    {
        if (Pictures is null || Pictures.Count == MostPictures)
            return;
        byte[] pixels = new byte[images.ImageElements()];
        images.ReadBytes(image, pixels);
        Pictures.Add(new PredictedImage(path, pixels, images.Height, images.Width,
            [.. likely.Select(each => (each.Name, each.Probability))]));
    }
}
