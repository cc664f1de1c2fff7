using System.Collections.Immutable;

namespace CudnnResNet.Data;

/// <summary>Each channel becomes (x - Mean) / Std, in float32; empty arrays leave the images as they are.</summary>
public sealed record Normalization(ImmutableArray<float> Mean, ImmutableArray<float> Std)
{
    public static Normalization None { get; } = new([], []);

    /// <summary>Of ImageNet's training images, as torchvision's and most of timm's weights expect.</summary>
    public static Normalization ImageNet { get; } = new([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);

    /// <summary>From 0 to 1 to -1 to 1.</summary>
    public static Normalization Inception { get; } = new([0.5f, 0.5f, 0.5f], [0.5f, 0.5f, 0.5f]);

    public ImmutableArray<float> Mean { get; init; } = Mean.IsDefault ? [] : Mean;

    public ImmutableArray<float> Std { get; init; } = Std.IsDefault ? [] : Std;

    public bool IsNone => Mean.IsEmpty;

    /// <summary>By the set's own statistics; a channel that is constant is only centred.</summary>
    public static Normalization Of(IDataSet set)
    {
        DatasetStatistics statistics = DatasetStatistics.Of(set);
        return new Normalization(
            [.. statistics.Mean.Select(mean => (float)mean)],
            [.. statistics.Std.Select(std => std > 0 ? (float)std : 1f)]);
    }

    /// <exception cref="ResNetException">The numbers of channels differ, a value is not finite, or a deviation is not positive.</exception>
    internal void Check(int channels)
    {
        if (Mean.Length != Std.Length || (!IsNone && Mean.Length != channels))
            throw new ResNetException($"the normalisation has {Mean.Length} means and {Std.Length} deviations, but the images have {channels} channels");
        for (int c = 0; c < Mean.Length; c++)
        {
            if (!float.IsFinite(Mean[c]) || !float.IsFinite(Std[c]) || Std[c] <= 0)
                throw new ResNetException($"the normalisation of channel {c} is mean {Mean[c]} and deviation {Std[c]}; both must be finite and the deviation above 0");
        }
    }
}
