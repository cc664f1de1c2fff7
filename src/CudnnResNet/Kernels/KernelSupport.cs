namespace CudnnResNet.Kernels;

/// <summary>A kernel's answer to "can you do this?": yes, or no with the reason. A refusal is a value, never a throw.</summary>
public readonly record struct KernelSupport(string? Refusal)
{
    public static KernelSupport Yes => default;

    public static KernelSupport No(string reason) => new(reason);

    public bool IsSupported => Refusal is null;
}
