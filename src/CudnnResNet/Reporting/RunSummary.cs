using System.Globalization;
using CudnnResNet.Training;

namespace CudnnResNet.Reporting;

/// <summary>The numbers that a run is judged by.</summary>
internal static class RunSummary
{
    internal static string Title(RunRecord run) => run.Description?.Title ?? run.Name;

    /// <summary>The last measured epoch, or null.</summary>
    internal static EpochRecord? LastTested(RunRecord run) => run.Log.Epochs.LastOrDefault(epoch => epoch.TestAccuracy is not null);

    /// <summary>The first epoch with the highest test accuracy, or null.</summary>
    internal static EpochRecord? Best(RunRecord run) =>
        run.Log.Epochs.Where(epoch => Accuracy(epoch) is not null).MaxBy(Accuracy);

    /// <summary>Of the weights or of their moving average, whichever is better: that one is kept as the best.</summary>
    internal static double? Accuracy(EpochRecord? epoch) =>
        epoch?.EmaTestAccuracy > epoch?.TestAccuracy ? epoch?.EmaTestAccuracy : epoch?.TestAccuracy;

    internal static bool HasAverage(RunRecord run) => run.Log.Epochs.Any(epoch => epoch.EmaTestAccuracy is not null);

    /// <summary>Training seconds until an epoch first ended with this test accuracy; null where none did.</summary>
    internal static double? SecondsTo(RunRecord run, double accuracy)
    {
        double seconds = 0;
        foreach (EpochRecord epoch in run.Log.Epochs)
        {
            seconds += epoch.Seconds;
            if (Accuracy(epoch) >= accuracy)
                return seconds;
        }

        return null;
    }

    /// <summary>The median over all steps, which no pause and no evaluation disturbs; null without steps.</summary>
    internal static double? ImagesPerSecond(RunRecord run)
    {
        double[] rates = [.. run.Log.Steps.Select(step => step.ImagesPerSecond).Where(double.IsFinite).Order()];
        return rates.Length == 0 ? null : (rates[(rates.Length - 1) / 2] + rates[rates.Length / 2]) / 2;
    }

    internal static NamedValue Headline(RunRecord run)
    {
        if (LastTested(run) is { } tested)
            return new("test accuracy", Percent(tested.TestAccuracy));
        return new("training loss", run.Log.Steps.Count > 0 ? Number(run.Log.Steps[^1].Loss) : "none");
    }

    /// <summary>Steps done, and of how many where that is known.</summary>
    internal static string Steps(RunRecord run)
    {
        long done = run.Log.Steps.Count > 0 ? run.Log.Steps[^1].Step : 0;
        return run.Description is { TotalSteps: var total } && total != done ? Text($"{done} of {total}") : Text($"{done}");
    }

    internal static string Percent(double? fraction) => fraction is { } value ? Text($"{100 * value:0.0#} %") : "–";

    internal static string Number(double? value) => value is { } number ? number.ToString("0.0000", CultureInfo.InvariantCulture) : "–";

    internal static string Rate(double? imagesPerSecond) => imagesPerSecond switch
    {
        null => "–",
        < 10 => Text($"{imagesPerSecond:0.00} images/s"),
        < 100 => Text($"{imagesPerSecond:0.0} images/s"),
        _ => Text($"{imagesPerSecond:0} images/s"),
    };

    internal static string Duration(double? seconds) => seconds switch
    {
        null => "–",
        < 10 => Text($"{seconds:0.0} s"),
        < 120 => Text($"{seconds:0} s"),
        < 7200 => Text($"{(long)seconds / 60} min {(long)seconds % 60} s"),
        _ => Text($"{(long)seconds / 3600} h {(long)seconds % 3600 / 60} min"),
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
