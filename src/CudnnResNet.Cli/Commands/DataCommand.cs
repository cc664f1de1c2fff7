using System.CommandLine;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Data;

namespace CudnnResNet.Cli.Commands;

/// <summary>One part of a data set; mean and deviation of each channel, of values from 0 to 1 where the images are bytes.</summary>
internal sealed record DataPartReport(string Name, int Images, IReadOnlyList<int> ImagesPerClass,
    IReadOnlyList<double> Mean, IReadOnlyList<double> Std);

/// <summary>What data info prints with --json.</summary>
internal sealed record DataReport(string Data, int Height, int Width, int Channels, int Classes, IReadOnlyList<string> ClassNames,
    IReadOnlyList<DataPartReport> Parts);

/// <summary>Shows which data sets are here, and what is in them.</summary>
internal sealed class DataCommand(Terminal terminal)
{
    private static readonly (string Name, string What)[] Kinds =
    [
        ("npy:DIR", "your own: images.npy (float32 NCHW or uint8 NHWC) and labels.npy (int64)"),
        ("folder:DIR", "your own: a sub-folder of JPEG and PNG files for each class"),
        ("csv:FILE", "your own: rows of a path and a label"),
        ("records:FILE", "image files packed by ./resnet data pack"),
        ("idx:DIR", "IDX files by MNIST's names"),
        ("cifar10:DIR", "CIFAR-10, binary version; also cifar100:DIR"),
    ];

    private readonly DataFlags _data = new();
    private readonly Option<bool> _json = Flag.Switch("--json", "Print JSON.");

    public static Command Create(Terminal terminal)
    {
        Command list = new("list", "Show the data sets that have names, and where they are looked for.");
        DataCommand listing = new(terminal);
        list.Add(listing._json);
        list.SetAction(listing.List);

        Command info = new("info", "Show sizes, classes and statistics of a data set.");
        DataCommand informing = new(terminal);
        informing._data.AddTo(info);
        info.Add(informing._json);
        info.SetAction(informing.Inform);

        DataCommand data = new(terminal);
        Command command = new("data", "Show, check and pack data sets.")
        {
            list, info, DataVerifyCommand.Create(terminal), DataPackCommand.Create(terminal), DataPreviewCommand.Create(terminal),
            DataBenchCommand.Create(terminal),
        };
        command.Add(data._json);
        command.SetAction(data.List);
        return command;
    }

    private int List(ParseResult parsed)
    {
        IReadOnlyList<DataSetReport> sets = KnownDataSets.Find();
        if (parsed.GetValue(_json))
        {
            terminal.Output.WriteLine(Json.Text(sets, Json.Default.IReadOnlyListDataSetReport));
            return CommandLine.Done;
        }
        foreach (DataSetReport set in sets)
        {
            terminal.Output.WriteLine($"{set.Name,-21} {set.Description}");
            terminal.Output.WriteLine($"{"",-21} {(set.Found ? set.Path : $"not found in {set.Path}; {set.Remedy}")}");
        }
        foreach ((string name, string what) in Kinds)
            terminal.Output.WriteLine($"{name,-21} {what}");
        return CommandLine.Done;
    }

    private int Inform(ParseResult parsed)
    {
        DataRequest request = _data.Read(parsed, terminal);
        IDataSet train = request.Load(train: true, classes: null);
        List<DataPartReport> parts = [Examine(train)];
        if (request.HasTestPart)
            parts.Add(Examine(request.Load(train: false, classes: null)));
        DataReport report = new(request.Name, train.Height, train.Width, train.Channels, train.ClassCount, train.ClassNames, parts);
        if (parsed.GetValue(_json))
            terminal.Output.WriteLine(Json.Text(report, Json.Default.DataReport));
        else
            Print(report);
        return CommandLine.Done;
    }

    private static DataPartReport Examine(IDataSet data)
    {
        int[] perClass = new int[data.ClassCount];
        for (int i = 0; i < data.Count; i++)
            perClass[data.Label(i)]++;
        DatasetStatistics statistics = DatasetStatistics.Of(data);
        return new DataPartReport(data.Name, data.Count, perClass, statistics.Mean, statistics.Std);
    }

    private void Print(DataReport report)
    {
        terminal.Output.WriteLine(
            $"{report.Data}: images of {report.Height} x {report.Width}, {report.Channels} channel{(report.Channels == 1 ? "" : "s")}, {report.Classes} classes");
        foreach (DataPartReport part in report.Parts)
        {
            terminal.Output.WriteLine();
            terminal.Output.WriteLine($"{part.Name}: {part.Images} images");
            terminal.Output.WriteLine($"  mean       {string.Join("  ", part.Mean.Select(x => $"{x:F4}"))}");
            terminal.Output.WriteLine($"  deviation  {string.Join("  ", part.Std.Select(x => $"{x:F4}"))}");
            for (int k = 0; k < part.ImagesPerClass.Count; k++)
                terminal.Output.WriteLine($"  {part.ImagesPerClass[k],8}  {report.ClassNames[k]}");
        }
    }
}
