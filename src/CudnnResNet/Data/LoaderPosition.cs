namespace CudnnResNet.Data;

/// <summary>A place in the endless sequence of samples: the epoch, from 1, and how many of its samples are used up.</summary>
public readonly record struct LoaderPosition(long Epoch, int Index)
{
    public static LoaderPosition Start => new(1, 0);
}
