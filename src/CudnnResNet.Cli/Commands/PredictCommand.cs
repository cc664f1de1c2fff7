using System.CommandLine;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Data;
using CudnnResNet.Execution;
using CudnnResNet.Inference;
using CudnnResNet.Models;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cli.Commands;

/// <summary>Images in, logits out.</summary>
internal sealed class PredictCommand(Terminal terminal)
{
    private const int DefaultBatch = 32;

    private readonly ModelFlags _model = new();
    private readonly DeviceFlags _device = new();
    private readonly ProfileFlags _profile = new("batches");
    private readonly Option<string?> _weights = Flag.Text("--weights", "W.safetensors", "The network's weights.");
    private readonly Option<bool> _ema = Flag.Switch("--ema", "Take the moving average that a checkpoint holds beside its weights.");
    private readonly Option<string?> _tensor = Flag.Text("--tensor", "IN.npy", "float32 [N, C, H, W], as the network takes it: nothing is normalised.");
    private readonly Option<string?> _out = Flag.Text("--out", "OUT.npy", "Receives float32 logits [N, classes].");
    private readonly Option<int?> _batch = Flag.Whole("--batch", $"Images at a time (default {DefaultBatch}).");

    public static Command Create(Terminal terminal)
    {
        PredictCommand predict = new(terminal);
        Command command = new("predict", "Compute the logits of images.");
        command.Add(predict._weights);
        command.Add(predict._ema);
        command.Add(predict._tensor);
        command.Add(predict._out);
        predict._model.AddTo(command);
        predict._device.AddTo(command);
        command.Add(predict._batch);
        predict._profile.AddTo(command);
        command.SetAction(predict.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        DeviceRequest deviceRequest = _device.Read(parsed);
        ModelRequest model = _model.Read(parsed);
        (string input, string output) = (parsed.Required(_tensor), parsed.Required(_out));
        int batch = parsed.Positive(_batch, DefaultBatch);
        OutputPaths.RequireFileIn(_out.Name, output);
        Profile? profile = _profile.Read(parsed, terminal);
        WeightsFile weights = WeightsFile.Load(parsed.Required(_weights), parsed.GetValue(_ema));
        ResNetSpec spec = model.Resolve(weights);
        NpyArray images = NpyFile.Read(input);
        RequireImages(images, input, spec);
        (int count, int height, int width) = ((int)images.Shape[0], (int)images.Shape[2], (int)images.Shape[3]);

        using Device device = Devices.Open(deviceRequest, terminal);
        using InferenceSession session = InferenceSession.Create(spec, Math.Min(count, batch),
            height, width, device.Precision, device.Backend, device.Compiler);
        session.LoadWeights(weights.Weights);
        HostMemory.ReleaseUnused();
        session.Trace = profile?.Trace;
        NpyFile.Write(output, [count, spec.Classes], Logits(session, images.AsFloats(), count));
        profile?.Finish();
        terminal.Output.WriteLine(
            $"wrote {output}: logits [{count}, {spec.Classes}] of {ModelText.Describe(spec)} ({device.Description})");
        return CommandLine.Done;
    }

    private static float[] Logits(InferenceSession session, ReadOnlySpan<float> nchw, int count)
    {
        (int batch, int classes) = (session.Batch, session.Spec.Classes);
        int imageElements = session.ImageElements / batch;
        float[] images = new float[session.ImageElements];
        float[] batchLogits = new float[session.LogitElements];
        float[] logits = new float[count * classes];
        for (int first = 0; first < count; first += batch)
        {
            using StepTrace.StepScope step = StepTrace.Step(session.Trace);
            int valid = Math.Min(batch, count - first);
            using (StepTrace.Slice(session.Trace, TraceKind.LoadBatch))
                for (int i = 0; i < valid; i++)
                    ImageLayout.NhwcFromNchw(nchw.Slice((first + i) * imageElements, imageElements),
                        images.AsSpan(i * imageElements, imageElements), session.Spec.InputChannels);
            session.Run(images, batchLogits);
            batchLogits.AsSpan(0, valid * classes).CopyTo(logits.AsSpan(first * classes));
        }
        return logits;
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
