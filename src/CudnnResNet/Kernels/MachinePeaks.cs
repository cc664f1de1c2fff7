namespace CudnnResNet.Kernels;

/// <summary>What a device can do at most: the two limits of a roofline.</summary>
/// <param name="OperationsPerSecond">Additions and multiplications in registers, of all threads.</param>
/// <param name="BytesPerSecond">Read from memory, by all threads.</param>
public sealed record MachinePeaks(double OperationsPerSecond, double BytesPerSecond)
{
    /// <summary>The least seconds that a problem can take where both limits hold at once.</summary>
    public double Floor(Problem problem) => Math.Max(
        ProblemWork.FloatingPointOperations(problem) / OperationsPerSecond, ProblemWork.Bytes(problem) / BytesPerSecond);
}
