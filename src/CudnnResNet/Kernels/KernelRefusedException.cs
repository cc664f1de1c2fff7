namespace CudnnResNet.Kernels;

/// <summary>
/// A kernel that accepted a problem refuses to run it, as libraries may do at the first run: plans are made and measured
/// without it.
/// </summary>
public sealed class KernelRefusedException(string message, Exception cause) : ResNetException(message, cause);
