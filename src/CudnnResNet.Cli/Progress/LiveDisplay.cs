using CudnnResNet.Training;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace CudnnResNet.Cli.Progress;

/// <summary>A panel that is drawn over itself, for terminals.</summary>
internal sealed class LiveDisplay(Terminal terminal, Func<long> totalSteps) : TrainingDisplay
{
    private const int CurvePoints = 48;
    private const int BarLength = 30;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private readonly List<EpochRecord> _epochs = [];
    private LiveDisplayContext? _context;
    private TimeSpan _next;

    public override TrainingResult Show(Func<TrainingResult> run)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(terminal.Output) });
        return console.Live(new Text("starting ...")).Start(context =>
        {
            _context = context;
            TrainingResult result = run();
            Draw();
            return result;
        });
    }

    protected override void AfterStep()
    {
        if (Progress.Elapsed >= _next)
            Draw();
    }

    protected override void AfterEpoch(EpochRecord epoch)
    {
        _epochs.Add(epoch);
        Draw();
    }

    private void Draw()
    {
        _next = Progress.Elapsed + Interval;
        _context?.UpdateTarget(Panel());
    }

    private Panel Panel()
    {
        const int EpochsShown = 5;
        long total = totalSteps();
        StepRecord last = Progress.Last;
        Grid grid = new();
        grid.AddColumn(new GridColumn { NoWrap = true, Padding = new Padding(0, 0, 3, 0) });
        grid.AddColumn();
        int done = (int)(BarLength * last.Step / Math.Max(total, 1));
        Row("step", $"[green]{new string('━', done)}[/][grey]{new string('━', BarLength - done)}[/]  {last.Step} of {total}, epoch {last.Epoch}");
        Row("loss", $"[bold]{last.Loss:F4}[/]  [green]{Sparkline.Draw(Progress.LossCurve(CurvePoints))}[/]");
        Row("accuracy", $"[bold]{100 * Progress.Accuracy:F1} %[/] of the last batches");
        Row("speed", $"[bold]{Progress.ImagesPerSecond:F0}[/] img/s");
        Row("time", $"{Durations.Format(Progress.Elapsed)} gone, [bold]{Durations.Format(Progress.TimeLeft(total))}[/] left");
        foreach (EpochRecord epoch in _epochs.TakeLast(EpochsShown))
            Row($"epoch {epoch.Epoch}", epoch.TestAccuracy is { } accuracy
                ? $"test accuracy [bold]{100 * accuracy:F2} %[/]{OfAverage(epoch)}, test loss {epoch.TestLoss:F4}"
                : $"training loss {epoch.TrainLoss:F4}");
        return new Panel(grid) { Border = BoxBorder.Rounded, Header = new PanelHeader(" training "), Padding = new Padding(2, 0) };

        void Row(string name, string markup)
        {
            IRenderable[] cells = [new Markup(name, new Style(Color.Grey)), new Markup(markup)];
            grid.AddRow(cells);
        }
    }
}
