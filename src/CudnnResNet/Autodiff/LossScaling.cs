namespace CudnnResNet.Autodiff;

/// <summary>
/// Dynamic loss scaling, as PyTorch's <c>torch.amp.GradScaler</c>: the loss's gradient is multiplied by a scale, so that
/// what would be too small for fp16 is kept, and the update takes it back. A step in which a gradient is infinite or NaN
/// changes no weight and lowers the scale; many good steps in a row raise it. All of it is decided on the device.
/// </summary>
/// <param name="Initial">The first scale. A power of two, as the factors are, so that scaling rounds nothing.</param>
/// <param name="Growth">What the scale is multiplied by after <paramref name="Interval"/> good steps.</param>
/// <param name="Backoff">What it is multiplied by after an overflow.</param>
/// <param name="Interval">Good steps in a row before the scale grows.</param>
public sealed record LossScaling(double Initial = 65536, double Growth = 2, double Backoff = 0.5, int Interval = 2000)
{
    /// <summary>The scale of the next step.</summary>
    public const string Scale = "loss_scale";

    /// <summary>Its inverse, which the update multiplies gradients by.</summary>
    public const string Inverse = $"{Scale}.inverse";

    /// <summary>Good steps since the scale was last changed.</summary>
    public const string GoodSteps = $"{Scale}.good_steps";

    /// <summary>Steps that changed nothing, since the run began.</summary>
    public const string SkippedSteps = $"{Scale}.skipped_steps";

    /// <summary>Raised by a gradient that is not finite; 0 between steps.</summary>
    public const string Overflow = $"{Scale}.overflow";

    /// <summary>What lasts from step to step, in files too.</summary>
    public static bool IsLasting(string value) => value is Scale or Inverse or GoodSteps or SkippedSteps;
}
