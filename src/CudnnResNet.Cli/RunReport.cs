using CudnnResNet.Cli.Plans;
using CudnnResNet.Data;
using CudnnResNet.Inference;
using CudnnResNet.Reporting;
using CudnnResNet.Training;

namespace CudnnResNet.Cli;

/// <summary>Puts the report of a run together.</summary>
internal static class RunReport
{
    /// <param name="path">The HTML file.</param>
    /// <param name="log">The run's whole log, earlier runs that were resumed included.</param>
    /// <param name="options">The recipe.</param>
    /// <param name="subject">Data and device.</param>
    /// <param name="trainer">Knows the plan.</param>
    /// <param name="result">How it ended.</param>
    /// <param name="command">Repeats the run.</param>
    public static void Write(string path, string log, TrainingOptions options, RunSubject subject,
        Trainer trainer, TrainingResult result, string command)
    {
        RunLog run = RunLogReader.Read(log);
        double seconds = run.Epochs.Sum(epoch => epoch.Seconds);
        double images = (double)options.Batch * run.Steps.Count;
        NamedValue headline = result.Test is { } test
            ? new("test accuracy", $"{100 * test.Accuracy:F1} %")
            : new("training loss", run.Steps.Count > 0 ? $"{run.Steps[^1].Loss:F4}" : "none");
        ReportContents contents = new($"{ModelText.Name(options.Spec)} on {subject.Train.Name}", headline,
        [
            new("network", ModelText.Describe(options.Spec)),
            new("device", subject.Device.Description),
            new("steps", $"{result.Steps}"),
            new("training time", $"{seconds:F0} s"),
            new("throughput", seconds > 0 ? $"{images / seconds:F0} images/s" : "none"),
        ])
        {
            Steps = run.Steps,
            Epochs = run.Epochs,
            ClassNames = subject.Train.ClassNames,
            Confusion = ConfusionOf(result.Test, subject),
            Images = ImagesOf(result.Test, subject.Test),
            Memory = ArenaDrawing.Figures(trainer.Session.Compiled.Memory),
            MemorySvg = ArenaDrawing.Of(trainer.Session.Compiled, "memory over one training step").ToSvg(),
            Command = command,
            Options = subject.OptionsOf(options, trainer.TotalSteps),
            Versions = subject.Device.Libraries,
        };
        HtmlReport.Write(path, contents);
    }

    private static ConfusionMatrix? ConfusionOf(Evaluation? evaluation, RunSubject subject)
    {
        if (evaluation is null)
            return null;
        ConfusionMatrix confusion = new(subject.Train.ClassCount);
        foreach (Prediction prediction in evaluation.Predictions)
            if (prediction.Predicted < subject.Train.ClassCount)
                confusion.Add(prediction.Label, prediction.Predicted);
        return confusion;
    }

    /// <summary>From all over the set, which may be sorted by class; half of the places for what went wrong.</summary>
    private static List<ClassifiedImage> ImagesOf(Evaluation? evaluation, IDataSet? data)
    {
        if (evaluation is null || data is null || data.Channels is not (1 or 3))
            return [];
        List<Prediction> wrong = Spread([.. evaluation.Predictions.Where(p => p.Label != p.Predicted)], ImageSheet.MostImages / 2);
        List<Prediction> right = Spread([.. evaluation.Predictions.Where(p => p.Label == p.Predicted)], ImageSheet.MostImages - wrong.Count);
        return [.. right.Concat(wrong).OrderBy(p => p.Index).Select(p => Classified(p, data))];
    }

    private static List<Prediction> Spread(List<Prediction> predictions, int count) =>
        [.. Enumerable.Range(0, Math.Min(count, predictions.Count))
            .Select(i => predictions[(int)((long)i * predictions.Count / Math.Min(count, predictions.Count))])];

    private static ClassifiedImage Classified(Prediction prediction, IDataSet data)
    {
        float[] image = new float[data.ImageElements()];
        data.ReadImage(prediction.Index, image);
        (float least, float most) = data is ByteImageSet ? (0, 1) : (image.Min(), image.Max());
        float scale = most > least ? 255 / (most - least) : 0;
        byte[] pixels = Array.ConvertAll(image, value => (byte)Math.Round((value - least) * scale));
        return new ClassifiedImage(pixels, data.Height, data.Width, data.Channels,
            prediction.Label, prediction.Predicted, prediction.Confidence);
    }
}
