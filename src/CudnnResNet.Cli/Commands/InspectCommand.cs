using System.Collections.Immutable;
using System.CommandLine;
using System.Security.Cryptography;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Models;
using CudnnResNet.Reporting;
using CudnnResNet.Tensors;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Cli.Commands;

/// <summary>A tensor in the JSON of inspect; Name is torchvision's where the file's is known.</summary>
internal sealed record TensorReport(string Name, string NameInFile, string Type, IReadOnlyList<long> Shape);

/// <summary>What inspect prints with --json. Model and the like are null where no network was recognised.</summary>
internal sealed record InspectReport(string File, string Format, string Names, long Bytes, string Sha256,
    string? Model, string? Version, string? Stem, string? Shortcut, int? Classes, int? InputChannels, int? Width, string? Doubt,
    IReadOnlyList<string>? ClassNames, IReadOnlyList<TensorReport> Tensors);

/// <summary>Shows what a file of weights holds, without reading the weights.</summary>
internal sealed class InspectCommand(Terminal terminal)
{
    private const int ShownClasses = 10;

    private readonly Argument<string> _file = new("FILE") { Description = "Weights: safetensors or its index, PyTorch's .pth, ONNX, npz." };
    private readonly Option<bool> _external = WeightsFlags.ExternalData();
    private readonly Option<bool> _json = Flag.Switch("--json", "Print one JSON object.");

    public static Command Create(Terminal terminal)
    {
        InspectCommand inspect = new(terminal);
        Command command = new("inspect", "Show the tensors of a file of weights, and which network they are.");
        command.Add(inspect._file);
        command.Add(inspect._external);
        command.Add(inspect._json);
        command.SetAction(inspect.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string path = parsed.GetValue(_file)!;
        using TensorSource source = WeightsFile.Open(path, parsed.GetValue(_external));
        (string convention, ImmutableArray<TensorInfo> tensors) = NetworkFile.Rename(source);
        RecognizedNetwork recognized = NetworkFile.Recognize(tensors);
        ResNetSpec? described = Checkpoint.SpecOf(source.Metadata, path);
        ResNetSpec? spec = described ?? (recognized.Doubt is null ? recognized.Spec : null);
        InspectReport report = new(path, source.Format, convention, new FileInfo(path).Length, Checksum(path),
            spec is null ? null : ModelText.Name(spec), spec is null ? null : ModelText.Word(spec.Version),
            spec is null ? null : ModelText.Word(spec.Stem), spec is null ? null : ModelText.Word(spec.Shortcut),
            spec?.Classes, spec?.InputChannels, spec?.Width, spec is null ? recognized.Doubt : null,
            spec is null ? null : ClassNames.In(source.Metadata, path, spec.Classes),
            [.. source.Tensors.Zip(tensors, (tensor, renamed) =>
                new TensorReport(renamed.Name, tensor.Name, tensor.Type.ShortName(), tensor.Shape))]);
        if (parsed.GetValue(_json))
            terminal.Output.WriteLine(Json.Text(report, Json.Default.InspectReport));
        else
            Print(report, spec, described is not null);
        return CommandLine.Done;
    }

    private void Print(InspectReport report, ResNetSpec? spec, bool isDescribed)
    {
        TextTable table = new("tensor", "in the file", "type", "shape");
        foreach (TensorReport tensor in report.Tensors)
            table.Add(OneLine(tensor.Name), tensor.NameInFile == tensor.Name ? "" : OneLine(tensor.NameInFile), tensor.Type,
                $"[{string.Join(", ", tensor.Shape)}]");
        table.WriteTo(terminal.Output);
        terminal.Output.WriteLine();
        terminal.Output.WriteLine($"format    {report.Format}, {ByteSizes.Format(report.Bytes)}, {report.Tensors.Count} tensors, names of {report.Names}");
        terminal.Output.WriteLine($"sha256    {report.Sha256}");
        terminal.Output.WriteLine(spec is null
            ? $"network   not recognised: {report.Doubt}"
            : $"network   {ModelText.Describe(spec)}{(isDescribed ? "" : " (by shapes, which do not show v1 against v1.5 or the stem's strides)")}");
        if (report.ClassNames is { } names)
            terminal.Output.WriteLine($"classes   {OneLine(string.Join(", ", names.Take(ShownClasses)))}{(names.Count > ShownClasses ? $" and {names.Count - ShownClasses} more" : "")}");
    }

    private static string OneLine(string name) => string.Concat(name.Select(c => char.IsControl(c) ? '?' : c));

    private static string Checksum(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
