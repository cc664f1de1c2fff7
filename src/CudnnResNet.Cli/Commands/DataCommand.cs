using System.CommandLine;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Data;

namespace CudnnResNet.Cli.Commands;

/// <summary>What data info prints with --json.</summary>
internal sealed record DataReport(string Name, int Count, int Height, int Width, int Channels, int ClassCount,
    IReadOnlyList<string> ClassNames, IReadOnlyList<int> ImagesPerClass, IReadOnlyList<double> Mean, IReadOnlyList<double> Deviation);

/// <summary>Lists the data sets, and describes one.</summary>
internal sealed class DataCommand(Terminal terminal)
{
    private readonly DataFlags _data = new();
    private readonly Option<bool> _test = Flag.Switch("--test", "The test part, where the set has one.");
    private readonly Option<bool> _json = Flag.Switch("--json", "Print one JSON object.");

    public static Command Create(Terminal terminal)
    {
        DataCommand data = new(terminal);
        Command info = new("info", "Count images and classes; mean and deviation of each channel.");
        data._data.AddTo(info);
        info.Add(data._test);
        info.Add(data._json);
        info.SetAction(data.Info);
        Command command = new("data", "List the data sets that train and eval know.") { info };
        command.SetAction(_ => data.List());
        return command;
    }

    private int List()
    {
        TextTable table = new("--data", "what", "where");
        table.Add(DataRequest.SubsetName, "6,000 + 1,000 images of Fashion-MNIST, balanced", "bundled");
        table.Add(DataRequest.FashionMnistName, "60,000 + 10,000 images of 28 x 28, 10 classes", Whereabouts());
        table.Add($"{DataRequest.FolderPrefix}DIR", "images.npy (float32 NCHW or uint8 NHWC), labels.npy (int64)", "your folder");
        table.WriteTo(terminal.Output);
        return CommandLine.Done;
    }

    private int Info(ParseResult parsed)
    {
        IDataSet set = _data.Read(parsed).Load(train: !parsed.GetValue(_test), classes: null);
        int[] perClass = new int[set.ClassCount];
        for (int i = 0; i < set.Count; i++)
            perClass[set.Label(i)]++;
        DatasetStatistics statistics = DatasetStatistics.Of(set);
        DataReport report = new(set.Name, set.Count, set.Height, set.Width, set.Channels, set.ClassCount, set.ClassNames,
            perClass, [.. statistics.Mean], [.. statistics.Std]);
        if (parsed.GetValue(_json))
        {
            terminal.Output.WriteLine(Json.Text(report, Json.Default.DataReport));
            return CommandLine.Done;
        }
        terminal.Output.WriteLine($"{report.Name}: {report.Count} images of {report.Height} x {report.Width}, {report.Channels} channels, {report.ClassCount} classes");
        terminal.Output.WriteLine($"mean {string.Join(' ', report.Mean.Select(value => $"{value:F4}"))}, deviation {string.Join(' ', report.Deviation.Select(value => $"{value:F4}"))} (pixels from 0 to 1)");
        TextTable table = new(">class", "name", ">images");
        for (int k = 0; k < perClass.Length; k++)
            table.Add($"{k}", set.ClassNames[k], $"{perClass[k]}");
        table.WriteTo(terminal.Output);
        return CommandLine.Done;
    }

    private static string Whereabouts()
    {
        try
        {
            _ = FashionMnist.Load(root: null, train: false);
            return "Debian's package dataset-fashion-mnist (installed)";
        }
        catch (ResNetException)
        {
            return "apt-get install dataset-fashion-mnist, or --data-root DIR";
        }
    }
}
