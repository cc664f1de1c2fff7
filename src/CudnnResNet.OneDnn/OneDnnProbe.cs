using System.Collections.Immutable;

namespace CudnnResNet.OneDnn;

/// <summary>
/// Whether oneDNN can be used here: its version and instruction set, or the reason why not and what to do about it.
/// </summary>
/// <param name="Refusal">Null where oneDNN is available; otherwise one line with reason and remedy.</param>
/// <param name="Version">For example <c>2.6.3</c>.</param>
/// <param name="InstructionSet">The widest that oneDNN uses here, for example <c>avx512_core_bf16</c>.</param>
/// <param name="Tried">The library names and paths tried, in order.</param>
public sealed record OneDnnProbe(
    string? Refusal, string? Version, string? InstructionSet, ImmutableArray<string> Tried)
{
    public bool IsAvailable => Refusal is null;

    /// <summary>Its kernels take bf16 on this processor.</summary>
    public bool ComputesBf16 { get; init; }
}
