namespace CudnnResNet.Inference;

/// <summary>What sessions whose images lie in the same place know of each other.</summary>
internal sealed class SharedInputs
{
    /// <summary>The session that was given a batch last.</summary>
    public InferenceSession? Last { get; set; }

    /// <summary>Images were written beside all queues, and may not have arrived.</summary>
    public bool IsWritten { get; set; }
}
