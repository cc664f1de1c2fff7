using System.CommandLine;
using CudnnResNet.Scheduling;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cli.Flags;

internal enum DeviceKind
{
    Auto,
    OneDnn,
    Reference,
}

/// <summary>What was asked of a device.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Precision">The number formats it must have.</param>
/// <param name="Threads">Of every kernel.</param>
/// <param name="IsDeterministic">Take kernels in a fixed order instead of measuring.</param>
/// <param name="PlanCacheFolder">Where measured times are kept; null keeps none.</param>
/// <param name="MemoryLimitBytes">What a plan may take; null sets no limit.</param>
internal sealed record DeviceRequest(DeviceKind Kind, Precision Precision, int Threads, bool IsDeterministic,
    string? PlanCacheFolder, long? MemoryLimitBytes);

/// <summary>The flags that choose a device and how plans are made for it.</summary>
internal sealed class DeviceFlags
{
    private const int MostThreads = 1024;
    private const string NoCache = "none";

    private readonly Option<DeviceKind?> _device = new("--device")
    {
        Description = "auto: the fastest that is there; onednn; reference: managed code (default auto).",
        HelpName = "auto|onednn|reference",
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            switch (text)
            {
                case "auto":
                    return DeviceKind.Auto;
                case "onednn":
                    return DeviceKind.OneDnn;
                case "reference":
                    return DeviceKind.Reference;
                case "cuda":
                    result.AddError("--device cuda is not in this build; choose auto, onednn or reference");
                    return null;
                default:
                    result.AddError($"--device is '{text}'; give one of auto, onednn, reference");
                    return null;
            }
        },
    };

    private readonly Option<Precision?> _precision = Flag.Choice("--precision",
        "fp32; bf16: activations in bf16, weights in fp32 (oneDNN); fp64 (reference) (default fp32).",
        ("fp32", Precision.Fp32), ("bf16", Precision.Bf16), ("fp64", Precision.Fp64));

    private readonly Option<int?> _threads = Flag.Whole("--threads", "Threads of every kernel (default: all cores).");

    private readonly Option<bool> _deterministic = Flag.Switch("--deterministic",
        "Take kernels in a fixed order instead of the fastest measured, so that every run has the same plan.");

    private readonly Option<string?> _planCache = Flag.Text("--plan-cache", "DIR|none",
        $"Where measured times are kept (default {PlanCache.DefaultFolder}).");

    private readonly Option<double?> _memoryLimit = Flag.Number("--memory-limit",
        "MiB that a plan may take: activations are freed and computed again to stay below (default: no limit).");

    public void AddTo(Command command)
    {
        command.Add(_device);
        command.Add(_precision);
        command.Add(_threads);
        command.Add(_deterministic);
        command.Add(_planCache);
        command.Add(_memoryLimit);
    }

    public DeviceRequest Read(ParseResult parsed, Precision precision = Precision.Fp32)
    {
        int threads = parsed.GetValue(_threads) ?? Environment.ProcessorCount;
        if (threads is < 1 or > MostThreads)
            throw new ResNetException($"--threads is {threads}; give 1 to {MostThreads}");
        if (parsed.GetValue(_memoryLimit) is <= 0)
            throw new ResNetException($"--memory-limit is {parsed.GetValue(_memoryLimit)}; give MiB, more than 0");
        string? cache = parsed.GetValue(_planCache) ?? PlanCache.DefaultFolder;
        return new DeviceRequest(parsed.GetValue(_device) ?? DeviceKind.Auto, parsed.GetValue(_precision) ?? precision,
            threads, parsed.GetValue(_deterministic), cache == NoCache ? null : cache,
            parsed.GetValue(_memoryLimit) is { } limit ? (long)(limit * (1 << 20)) : null);
    }
}
