using CudnnResNet.Graph;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Cli.Plans;

/// <summary>Where the passes of a training step begin.</summary>
internal static class StepPhases
{
    /// <summary>The number of segments where there is no backward pass.</summary>
    public static int FirstBackwardStep(ScheduledGraph schedule)
    {
        for (int step = 0; step < schedule.Segments.Length; step++)
            if (schedule.Segments[step].Nodes[0].Operation is SoftmaxCrossEntropyBackward or SigmoidCrossEntropyBackward)
                return step;
        return schedule.Segments.Length;
    }
}
