namespace CudnnResNet.Data;

/// <summary>An array of unsigned bytes of an IDX file, in C order; <see cref="Data"/> holds exactly the bytes of <see cref="Shape"/>.</summary>
public sealed record IdxArray(int[] Shape, byte[] Data);
