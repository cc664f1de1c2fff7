using System.Collections.Immutable;

namespace CudnnResNet.Graph;

/// <summary>
/// One operation on values. <paramref name="Scope"/> is the layer or block it belongs to, for example <c>layer1.0</c>;
/// it is used for printing and for grouping by block, never for semantics.
/// </summary>
public sealed record Node(
    Operation Operation, ImmutableArray<ValueId> Inputs, ImmutableArray<ValueId> Outputs, string Scope)
{
    public bool Equals(Node? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
}
