using System.CommandLine;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Data;
using CudnnResNet.Reporting;

namespace CudnnResNet.Cli.Commands;

/// <summary>Shows what a network will see in training.</summary>
internal sealed class DataPreviewCommand(Terminal terminal)
{
    private const int DefaultImages = 12;
    private const int DefaultSamples = 4;

    private readonly DataFlags _data = new(trains: true);
    private readonly AugmentationFlags _augmentation = new();
    private readonly Option<string?> _out = Flag.Text("--out", "FILE.html", "The sheet.");
    private readonly Option<int?> _images = Flag.Whole("--images", $"Images (default {DefaultImages}), from all over the set.");
    private readonly Option<int?> _samples = Flag.Whole("--samples", $"Random samples of each (default {DefaultSamples}).");
    private readonly Option<ulong?> _seed = Flag.Seed("--seed", "Of the samples (default 1).");

    public static Command Create(Terminal terminal)
    {
        DataPreviewCommand preview = new(terminal);
        Command command = new("preview", "Write an HTML sheet of images and of the random samples that training makes of them.");
        preview._data.AddTo(command);
        preview._augmentation.AddTo(command);
        command.Add(preview._out);
        command.Add(preview._images);
        command.Add(preview._samples);
        command.Add(preview._seed);
        command.SetAction(preview.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string path = parsed.Required(_out);
        OutputPaths.RequireFileIn(_out.Name, path);
        DataRequest request = _data.Read(parsed, terminal);
        IDataSet data = request.Load(train: true, classes: null);
        if (data.Channels is not (1 or 3))
            throw new ResNetException($"{data.Name}: images of {data.Channels} channels cannot be drawn");
        Augmentation augmentation = _augmentation.Read(parsed, data) with { Mixup = 0, CutMix = 0 };
        LoaderOptions options = new(1, Shuffle: false, parsed.GetValue(_seed) ?? 1, augmentation, Normalization.None);
        int count = Math.Min(parsed.Positive(_images, DefaultImages), data.Count);
        int samples = parsed.Positive(_samples, DefaultSamples);
        List<PredictedImage> pictures = [];
        for (int i = 0; i < count; i++)
        {
            int index = (int)((long)i * data.Count / count);
            float[] image = new float[data.ImageElements()];
            data.ReadImage(index, image);
            string name = data.ClassNames[data.Label(index)];
            pictures.Add(Picture($"image {index}, {name}", image, data));
            for (int epoch = 1; epoch <= samples; epoch++)
                pictures.Add(Picture($"epoch {epoch}", SamplePreview.Make(data, options, epoch, index), data));
        }
        PredictionSheet.Write(path, $"{data.Name}: {count} images and {samples} random samples of each", pictures);
        terminal.Output.WriteLine($"wrote {path}");
        return CommandLine.Done;
    }

    private static PredictedImage Picture(string title, float[] image, IDataSet data)
    {
        byte[] rgb = new byte[data.Height * data.Width * 3];
        for (int i = 0; i < rgb.Length; i++)
            rgb[i] = (byte)Math.Clamp(Math.Round(255 * image[data.Channels == 3 ? i : i / 3]), 0, 255);
        return new PredictedImage(title, rgb, data.Height, data.Width, []);
    }
}
