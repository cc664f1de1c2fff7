using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using CudnnResNet.Autodiff;

namespace CudnnResNet.Cli.Flags;

internal enum OptimizerKind
{
    Sgd,
    Lars,
}

/// <summary>The flags of what is done with gradients.</summary>
internal sealed class OptimizerFlags
{
    private const string Backbone = "backbone";
    private const string Classifier = "fc.";

    private readonly Option<OptimizerKind?> _optimizer = Flag.Choice("--optimizer",
        "sgd, or lars: every filter has a rate of its own; batch norms and biases have not, and do not decay (default sgd).",
        ("sgd", OptimizerKind.Sgd), ("lars", OptimizerKind.Lars));
    private readonly Option<double?> _trust = Flag.Number("--trust-coefficient", "Of LARS (default 0.001).");
    private readonly Option<double?> _momentum = Flag.Number("--momentum", "Of SGD and LARS (default 0.9).");
    private readonly Option<bool> _nesterov = Flag.Switch("--nesterov", "Nesterov's momentum.");
    private readonly Option<double?> _decay = Flag.Number("--weight-decay", "On every parameter (default 5e-4).");
    private readonly Option<bool> _noDecay = Flag.Switch("--no-decay-bn-bias", "No weight decay on batch norms and biases.");
    private readonly Option<double?> _clip = Flag.Number("--clip-norm", "Scale all gradients so that their norm is at most this.");
    private readonly Option<double?> _ema = Flag.Number("--ema",
        "Keep a moving average of the weights, with this decay (for example 0.999), and evaluate it too.");

    private readonly Option<ImmutableArray<RateFactor>?> _factors = Flag.Make<ImmutableArray<RateFactor>?>("--lr-factors",
        "Let parts learn slower or faster than --lr; 0 freezes them. For example backbone=0 trains the classifier alone, and "
            + "layer4=0.3,backbone=0.1 the last stage at 0.3 and all before it at 0.1 of the rate.", "NAME=X,...",
        ParseFactors, "names of parts (conv1, layer1 to layer4, fc, or backbone for all but fc) with factors of 0 or more, as layer4=0.3,backbone=0.1");

    public void AddTo(Command command)
    {
        command.Add(_factors);
        command.Add(_optimizer);
        command.Add(_trust);
        command.Add(_momentum);
        command.Add(_nesterov);
        command.Add(_decay);
        command.Add(_noDecay);
        command.Add(_clip);
        command.Add(_ema);
    }

    /// <exception cref="ResNetException">Flags that contradict each other.</exception>
    public SgdOptions Read(ParseResult parsed)
    {
        bool isLars = parsed.GetValue(_optimizer) == OptimizerKind.Lars;
        if (!isLars && parsed.GetValue(_trust) is not null)
            throw new ResNetException($"{_trust.Name} has no effect without --optimizer lars; give both or neither");
        return new SgdOptions(parsed.GetValue(_momentum) ?? 0.9, parsed.GetValue(_decay) ?? 5e-4,
            DecayBatchNormAndBias: !isLars && !parsed.GetValue(_noDecay))
        {
            Nesterov = parsed.GetValue(_nesterov),
            TrustCoefficient = isLars ? parsed.GetValue(_trust) ?? 0.001 : null,
            ClipNorm = parsed.GetValue(_clip),
            AverageDecay = parsed.GetValue(_ema),
            RateFactors = parsed.GetValue(_factors) ?? [],
        };
    }

    private static ImmutableArray<RateFactor>? ParseFactors(string text)
    {
        ImmutableArray<RateFactor>.Builder factors = ImmutableArray.CreateBuilder<RateFactor>();
        List<RateFactor> backbone = [];
        foreach (string entry in text.Split(','))
        {
            if (entry.Split('=') is not [{ Length: > 0 } name, var number]
                || !double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double factor) || !(factor >= 0 && double.IsFinite(factor)))
                return null;
            if (name == Backbone)
                backbone.AddRange([new RateFactor(Classifier, 1), new RateFactor("", factor)]);
            else
                factors.Add(new RateFactor(name + ".", factor));
        }
        // The first that fits counts: what is said of a part comes before what is said of all the others.
        factors.AddRange(backbone);
        return factors.ToImmutable();
    }
}
