using System.CommandLine;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Imaging;
using CudnnResNet.Imaging.Records;

namespace CudnnResNet.Cli.Commands;

/// <summary>Packs image files into one records file.</summary>
internal sealed class DataPackCommand(Terminal terminal)
{
    private static readonly PackOptions Standard = new();

    private readonly DataFlags _data = new();
    private readonly Option<string?> _out = Flag.Text("--out", "FILE.records", "The file to make; while it is made it is called FILE.records.partial.");
    private readonly Option<int?> _side = Flag.Whole("--side", $"Scale the shorter side down to N pixels (default {Standard.Side}).");
    private readonly Option<RecordEncoding?> _format = Flag.Choice("--format",
        "raw: as bytes, fastest to read; jpeg: a tenth of the space (default raw).", ("raw", RecordEncoding.Raw), ("jpeg", RecordEncoding.Jpeg));
    private readonly Option<int?> _quality = Flag.Whole("--quality", $"Of JPEG, 1 to 100 (default {Standard.Quality}).");
    private readonly Option<bool> _test = Flag.Switch("--test", "Pack the test part of a folder that holds train and val.");

    public static Command Create(Terminal terminal)
    {
        DataPackCommand pack = new(terminal);
        Command command = new("pack", "Pack image files into one file that is read many times faster; broken off, it continues.");
        pack._data.AddTo(command);
        command.Add(pack._test);
        command.Add(pack._out);
        command.Add(pack._side);
        command.Add(pack._format);
        command.Add(pack._quality);
        command.SetAction(pack.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        DataRequest request = _data.Read(parsed, terminal);
        string path = parsed.Required(_out);
        OutputPaths.RequireFileIn(_out.Name, path);
        PackOptions options = new(parsed.GetValue(_side) ?? Standard.Side, parsed.GetValue(_format) ?? Standard.Encoding,
            parsed.GetValue(_quality) ?? Standard.Quality);
        ImageListing listing = request.List(train: !parsed.GetValue(_test), classes: null)
            ?? throw new ResNetException($"--data {request.Name}: only image files are packed; give folder:DIR or csv:FILE");
        using Interruption interruption = new();
        int shown = 0;
        try
        {
            PackResult result = RecordPacker.Pack(listing, path, options, request.Images.Limits, request.Images.Damaged, done =>
            {
                if (terminal.IsInteractive && 100L * done / listing.Paths.Count is var percent && percent != shown)
                    terminal.Error.Write($"\r{shown = (int)percent} %{(percent == 100 ? "\n" : "")}");
            }, interruption.Token);
            terminal.Output.WriteLine($"wrote {path}: {result.Images} images, {new FileInfo(path).Length / 1e6:F1} MB"
                + (result.Resumed > 0 ? $"; {result.Resumed} were there already" : "")
                + (result.LeftOut > 0 ? $"; {result.LeftOut} could not be read and are left out" : ""));
            return CommandLine.Done;
        }
        catch (OperationCanceledException)
        {
            terminal.Output.WriteLine($"interrupted; the same command continues {path}.partial");
            return interruption.ExitCode;
        }
    }
}
