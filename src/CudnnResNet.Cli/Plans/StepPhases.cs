using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Cli.Plans;

/// <summary>The passes of a training step.</summary>
internal static class StepPhases
{
    /// <summary>Where the backward pass begins; the number of segments where there is none.</summary>
    public static int FirstBackward(ImmutableArray<Segment> segments)
    {
        for (int i = 0; i < segments.Length; i++)
            if (segments[i].Nodes[0].Operation is SoftmaxCrossEntropyBackward or SigmoidCrossEntropyBackward)
                return i;
        return segments.Length;
    }

    /// <summary>It belongs to what turns gradients into new parameters.</summary>
    public static bool IsUpdate(Operation operation) => operation
        is SgdUpdate or Blend or SquaredSum or ClipScale or TrustRatio or FindOverflow or AdjustLossScale;
}
