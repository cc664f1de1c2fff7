using CudnnResNet.Execution;
using CudnnResNet.Models;

namespace CudnnResNet.Training;

/// <summary>A training step, compiled for one size, before it has memory.</summary>
/// <param name="Spec">The network.</param>
/// <param name="Options">What a step does.</param>
/// <param name="Update">The plan of the step's last pass.</param>
/// <param name="Accumulate">The plan of the passes before; null where there are none.</param>
internal sealed record CompiledStep(ResNetSpec Spec, StepOptions Options, CompiledGraph Update, CompiledGraph? Accumulate)
{
    private const string Family = "training";

    /// <summary>The plans with the family in which they share a block of memory.</summary>
    public IEnumerable<(string Family, CompiledGraph Plan)> Plans => Accumulate is null
        ? [(Family, Update)]
        : [(Family, Update), (Family, Accumulate)];
}
