using CudnnResNet.Tensors;

namespace CudnnResNet.Graph;

/// <summary>Who owns a value's memory and for how long.</summary>
public enum ValueRole
{
    /// <summary>Produced and consumed inside one run of the graph.</summary>
    Intermediate,

    /// <summary>Written by the host before a run: images, labels, learning rate.</summary>
    Input,

    /// <summary>A trainable tensor; lives as long as the plan.</summary>
    Parameter,

    /// <summary>Other lasting state: momentum, running mean and variance.</summary>
    State,
}

/// <summary>A tensor of the graph. Parameters carry torchvision's names, for example <c>layer1.0.conv2.weight</c>.</summary>
public sealed record Value(ValueId Id, string Name, TensorShape Shape, DataType Type, ValueRole Role)
{
    public long Bytes => Shape.Elements * Type.ByteSize();

    /// <summary>True where the memory outlives a run of the graph.</summary>
    public bool IsPersistent => Role != ValueRole.Intermediate;
}
