namespace CudnnResNet.Data;

/// <summary>Part of a schedule of image sizes: from the end of an epoch on, training images have this size.</summary>
/// <param name="Epoch">How many epochs come before; 0 is the beginning.</param>
/// <param name="Size">Height and width.</param>
public readonly record struct SizePoint(int Epoch, int Size);
