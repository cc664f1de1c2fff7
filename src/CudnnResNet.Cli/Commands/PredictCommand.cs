using System.CommandLine;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Data;
using CudnnResNet.Execution;
using CudnnResNet.Imaging;
using CudnnResNet.Inference;
using CudnnResNet.Models;
using CudnnResNet.Reporting;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cli.Commands;

/// <summary>Image files in, their likeliest classes out; or a tensor in, logits out.</summary>
internal sealed class PredictCommand(Terminal terminal)
{
    private const int DefaultBatch = 32;
    private const int DefaultTop = 5;

    private readonly Argument<string[]> _images = new("images")
    {
        Description = "JPEG and PNG files, and folders of them.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly ModelFlags _model = new();
    private readonly DeviceFlags _device = new();
    private readonly ProfileFlags _profile = new("batches");
    private readonly WeightsFlags _weights = new();
    private readonly Option<string?> _tensor = Flag.Text("--tensor", "IN.npy", "float32 [N, C, H, W], as the network takes it: nothing is normalised.");
    private readonly Option<string?> _out = Flag.Text("--out", "OUT.npy", "Receives float32 logits [N, classes].");
    private readonly Option<int?> _top = Flag.Whole("--top", $"Classes shown of each image (default {DefaultTop}).");
    private readonly Option<string?> _names = Flag.Text("--class-names", "FILE", "The classes' names, one a line (default: the weights', else ImageNet's for 1,000 classes).");
    private readonly Option<bool> _json = Flag.Switch("--json", "Print one JSON object for each image, a line each.");
    private readonly Option<bool> _csv = Flag.Switch("--csv", "Print a row of comma-separated values for each image.");
    private readonly Option<string?> _html = Flag.Text("--html", "FILE.html", "Write a sheet of the images and their classes.");
    private readonly ImageFlags _transform = new();
    private readonly NormalizationFlag _normalize = new("of image files as the weights', else imagenet");
    private readonly Option<int?> _batch = Flag.Whole("--batch", $"Images at a time (default {DefaultBatch}).");

    public static Command Create(Terminal terminal)
    {
        PredictCommand predict = new(terminal);
        Command command = new("predict", "Classify image files, or compute the logits of a tensor.");
        command.Add(predict._images);
        predict._weights.AddTo(command);
        command.Add(predict._tensor);
        command.Add(predict._out);
        command.Add(predict._top);
        command.Add(predict._names);
        command.Add(predict._json);
        command.Add(predict._csv);
        command.Add(predict._html);
        predict._transform.AddTo(command);
        predict._normalize.AddTo(command);
        predict._model.AddTo(command);
        predict._device.AddTo(command);
        command.Add(predict._batch);
        predict._profile.AddTo(command);
        command.SetAction(predict.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string[] images = parsed.GetValue(_images) ?? [];
        if (images.Length > 0 && parsed.GetValue(_tensor) is not null)
            throw new ResNetException($"image files and {_tensor.Name} both say what to classify; give one of them");
        DeviceRequest deviceRequest = _device.Read(parsed);
        ModelRequest model = _model.Read(parsed);
        int batch = parsed.Positive(_batch, DefaultBatch);
        foreach (Option<string?> file in (ReadOnlySpan<Option<string?>>)[_out, _html])
            if (parsed.GetValue(file) is { } path)
                OutputPaths.RequireFileIn(file.Name, path);
        Profile? profile = _profile.Read(parsed, terminal);
        if (images.Length == 0 && parsed.GetValue(_tensor) is null)
            throw new ResNetException($"nothing to classify; give image files, folders of them, or {_tensor.Name} {_tensor.HelpName}");
        return images.Length > 0
            ? ClassifyFiles(parsed, images, deviceRequest, model, batch, profile)
            : ComputeLogits(parsed, deviceRequest, model, batch, profile);
    }

    private int ClassifyFiles(ParseResult parsed, string[] paths, DeviceRequest deviceRequest, ModelRequest model, int batch, Profile? profile)
    {
        int top = parsed.Positive(_top, DefaultTop);
        if (parsed.GetValue(_json) && parsed.GetValue(_csv))
            throw new ResNetException($"{_json.Name} and {_csv.Name} both say what to print; give one of them");
        IReadOnlyList<string> files = ImageListing.OfPaths(paths);
        ImageOptions transform = _transform.Read(parsed, terminal);
        WeightsFile weights = _weights.Read(parsed);
        ResNetSpec spec = model.Resolve(weights);
        if (spec.InputChannels != 3)
            throw new ResNetException($"{weights.Path} takes images of {spec.InputChannels} channels; image files are read as RGB, 3 channels");
        IReadOnlyList<string> names = ClassNames.Of(parsed.GetValue(_names), weights, spec.Classes);
        ImageFileSet set = new(new ImageListing("the images", files, new int[files.Count], names), transform);
        Normalization normalization = _normalize.Read(parsed, weights, NormalizationKind.ImageNet, () => set);
        float[]? logits = parsed.GetValue(_out) is { } file ? new float[LogitElements(file, files.Count, spec.Classes)] : null;

        using Device device = Devices.Open(deviceRequest, terminal);
        using InferenceSession session = InferenceSession.Create(spec, Math.Min(files.Count, batch),
            set.Height, set.Width, device.Precision, device.Backend, device.Compiler);
        session.LoadWeights(weights.Weights);
        session.Trace = profile?.Trace;
        ClassifiedPrinter printer = new(terminal.Output, parsed.GetValue(_json) ? ClassifiedFormat.JsonLines
            : parsed.GetValue(_csv) ? ClassifiedFormat.Csv : ClassifiedFormat.Text, Math.Min(top, names.Count));
        ImagePredictions predictions = new(session, set, normalization, names, top)
        {
            Logits = logits,
            Pictures = parsed.GetValue(_html) is null ? null : [],
        };
        printer.Begin();
        int failed = predictions.Run(image =>
        {
            printer.Print(image);
            if (image.Error is { } reason)
                terminal.Error.WriteLine($"error: {reason}");
        });
        profile?.Finish();
        if (parsed.GetValue(_out) is { } output)
            NpyFile.Write(output, [files.Count, spec.Classes], predictions.Logits);
        if (parsed.GetValue(_html) is { } html)
            PredictionSheet.Write(html, $"{ModelText.Name(spec)}: {files.Count - failed} images", predictions.Pictures!);
        return failed > 0 ? CommandLine.CallersFault : CommandLine.Done;
    }

    private int ComputeLogits(ParseResult parsed, DeviceRequest deviceRequest, ModelRequest model, int batch, Profile? profile)
    {
        (string input, string output) = (parsed.Required(_tensor), parsed.Required(_out));
        WeightsFile weights = _weights.Read(parsed);
        ResNetSpec spec = model.Resolve(weights);
        NpyArray images = NpyFile.Read(input);
        RequireImages(images, input, spec);
        (int count, int height, int width) = ((int)images.Shape[0], (int)images.Shape[2], (int)images.Shape[3]);
        float[] logits = new float[LogitElements(output, count, spec.Classes)];

        using Device device = Devices.Open(deviceRequest, terminal);
        using InferenceSession session = InferenceSession.Create(spec, Math.Min(count, batch),
            height, width, device.Precision, device.Backend, device.Compiler);
        session.LoadWeights(weights.Weights);
        HostMemory.ReleaseUnused();
        session.Trace = profile?.Trace;
        ComputeLogits(session, images.AsFloats(), count, logits);
        NpyFile.Write(output, [count, spec.Classes], logits);
        profile?.Finish();
        terminal.Output.WriteLine(
            $"wrote {output}: logits [{count}, {spec.Classes}] of {ModelText.Describe(spec)} ({device.Description})");
        return CommandLine.Done;
    }

    /// <summary>The length of the array of logits [images, classes].</summary>
    /// <exception cref="ResNetException">No array has so many.</exception>
    internal static int LogitElements(string path, int images, int classes)
    {
        long elements = (long)images * classes;
        return elements <= Array.MaxLength
            ? (int)elements
            : throw new ResNetException($"{path}: would hold {elements} logits of {images} images and {classes} classes, and {Array.MaxLength} is the most; give fewer images at once");
    }

    private static void ComputeLogits(InferenceSession session, ReadOnlySpan<float> nchw, int count, float[] logits)
    {
        (int batch, int classes) = (session.Batch, session.Spec.Classes);
        int imageElements = session.ImageElements / batch;
        float[] images = new float[session.ImageElements];
        float[] batchLogits = new float[session.LogitElements];
        int collected = 0;
        for (int first = 0; first < count; first += batch)
        {
            using StepTrace.StepScope step = StepTrace.Step(session.Trace);
            int valid = Math.Min(batch, count - first);
            using (StepTrace.Slice(session.Trace, TraceKind.LoadBatch))
                for (int i = 0; i < valid; i++)
                    ImageLayout.NhwcFromNchw(nchw.Slice((first + i) * imageElements, imageElements),
                        images.AsSpan(i * imageElements, imageElements), session.Spec.InputChannels);
            Collect(Math.Max(0, session.MostPending - 1));
            session.Submit(images);
            Collect(session.MostPending);
        }
        Collect(mostPending: 0);

        void Collect(int mostPending)
        {
            for (; session.PendingBatches > mostPending; collected += batch)
            {
                session.Collect(batchLogits);
                batchLogits.AsSpan(0, Math.Min(batch, count - collected) * classes).CopyTo(logits.AsSpan(collected * classes));
            }
        }
    }

    private static void RequireImages(NpyArray images, string path, ResNetSpec spec)
    {
        string shape = $"{images.Type.ShortName()} [{string.Join(", ", images.Shape)}]";
        if (images.Type != DataType.Float32 || images.Shape.Length != 4)
            throw new ResNetException($"{path} holds {shape}; float32 [N, C, H, W] is needed");
        if (images.Data.Length == 0)
            throw new ResNetException($"{path} holds {shape}: no pixels; every extent must be at least 1");
        if (images.Shape[1] != spec.InputChannels)
            throw new ResNetException($"{path} holds {shape}: {images.Shape[1]} channels where the network takes {spec.InputChannels}");
    }
}
