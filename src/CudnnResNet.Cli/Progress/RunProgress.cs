using System.Diagnostics;
using CudnnResNet.Training;

namespace CudnnResNet.Cli.Progress;

/// <summary>What a display shows of a run, smoothed so that it can be read.</summary>
internal sealed class RunProgress
{
    private const int LossesKept = 512;

    /// <summary>The share of a new step in the smoothed values: they follow in about ten steps.</summary>
    private const double Share = 0.1;

    private readonly double[] _losses = new double[LossesKept];
    private readonly long _start = Stopwatch.GetTimestamp();
    private long _firstStep = -1;

    public StepRecord Last { get; private set; }

    public double Accuracy { get; private set; }

    public double ImagesPerSecond { get; private set; }

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_start);

    /// <summary>Steps since this process began.</summary>
    public long Steps => _firstStep < 0 ? 0 : Last.Step - _firstStep + 1;

    public void Add(StepRecord step)
    {
        bool isFirst = _firstStep < 0;
        if (isFirst)
            _firstStep = step.Step;
        Last = step;
        _losses[(Steps - 1) % LossesKept] = step.Loss;
        ImagesPerSecond = isFirst ? step.ImagesPerSecond : Smooth(ImagesPerSecond, step.ImagesPerSecond);
        Accuracy = isFirst ? step.Accuracy ?? 0 : Smooth(Accuracy, step.Accuracy ?? 0);
    }

    /// <summary>Evaluations and checkpoints included.</summary>
    public TimeSpan TimeLeft(long totalSteps) =>
        Steps == 0 ? TimeSpan.Zero : Elapsed / Steps * Math.Max(0, totalSteps - Last.Step);

    /// <summary>The latest losses, oldest first, as means over equal stretches.</summary>
    public double[] LossCurve(int points)
    {
        int count = (int)Math.Min(Steps, LossesKept);
        long begin = Steps - count;
        double[] curve = new double[Math.Min(points, count)];
        for (int i = 0; i < curve.Length; i++)
        {
            (int from, int to) = (count * i / curve.Length, count * (i + 1) / curve.Length);
            for (int j = from; j < to; j++)
                curve[i] += _losses[(begin + j) % LossesKept] / (to - from);
        }
        return curve;
    }

    private static double Smooth(double old, double value) => old + Share * (value - old);
}
