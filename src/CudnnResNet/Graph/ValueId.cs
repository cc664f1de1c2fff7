namespace CudnnResNet.Graph;

/// <summary>The index of a value in <see cref="LayerGraph.Values"/>.</summary>
public readonly record struct ValueId(int Index)
{
    public override string ToString() => $"%{Index}";
}
