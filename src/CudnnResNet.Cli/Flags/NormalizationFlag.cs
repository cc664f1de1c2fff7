using System.CommandLine;
using CudnnResNet.Data;

namespace CudnnResNet.Cli.Flags;

internal enum NormalizationKind
{
    None,
    Dataset,
    Weights,
}

/// <summary>How images are normalised.</summary>
internal sealed class NormalizationFlag(string defaultInWords)
{
    private readonly Option<NormalizationKind?> _normalize = Flag.Choice("--normalize",
        $"By the training images' mean and deviation, by those that the weights were trained with, or not at all (default {defaultInWords}).",
        ("none", NormalizationKind.None), ("dataset", NormalizationKind.Dataset), ("weights", NormalizationKind.Weights));

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
            _ => weights?.Normalization ?? throw new ResNetException(weights is null
                ? "--normalize weights needs --weights"
                : $"{weights.Path} does not say how its images were normalised; give --normalize none or dataset"),
        };
    }
}
