using System.CommandLine;
using CudnnResNet.Data;

namespace CudnnResNet.Cli.Flags;

internal enum NormalizationKind
{
    None,
    Dataset,
    Weights,
    ImageNet,
    Inception,
}

/// <summary>How images are normalised.</summary>
internal sealed class NormalizationFlag(string defaultInWords)
{
    private readonly Option<NormalizationKind?> _normalize = Flag.Choice("--normalize",
        $"By the training images' mean and deviation, by those that the weights were trained with, by ImageNet's (0.485 0.456 0.406, "
        + $"0.229 0.224 0.225), to -1 to 1 (inception), or not at all (default {defaultInWords}).",
        ("none", NormalizationKind.None), ("dataset", NormalizationKind.Dataset), ("weights", NormalizationKind.Weights),
        ("imagenet", NormalizationKind.ImageNet), ("inception", NormalizationKind.Inception));

    public void AddTo(Command command) => command.Add(_normalize);

    /// <param name="parsed">The command line.</param>
    /// <param name="weights">The weights that are loaded.</param>
    /// <param name="otherwise">Taken where neither the flag nor the weights say anything.</param>
    /// <param name="train">Reads the training images whose statistics count.</param>
    public Normalization Read(
        ParseResult parsed, WeightsFile? weights, NormalizationKind otherwise, Func<IDataSet> train)
    {
        NormalizationKind kind = parsed.GetValue(_normalize)
            ?? (weights?.Normalization is null ? otherwise : NormalizationKind.Weights);
        return kind switch
        {
            NormalizationKind.None => Normalization.None,
            NormalizationKind.Dataset => Normalization.Of(train()),
            NormalizationKind.ImageNet => Normalization.ImageNet,
            NormalizationKind.Inception => Normalization.Inception,
            _ => weights?.Normalization ?? throw new ResNetException(weights is null
                ? "--normalize weights needs weights; give some, or --normalize none, dataset, imagenet or inception"
                : $"{weights.Path} does not say how its images were normalised; give --normalize none or dataset"),
        };
    }
}
