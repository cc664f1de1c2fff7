using System.CommandLine;
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

    public void AddTo(Command command)
    {
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
        };
    }
}
