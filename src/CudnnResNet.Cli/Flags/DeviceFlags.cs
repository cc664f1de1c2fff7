using System.CommandLine;
using System.Globalization;
using CudnnResNet.Scheduling;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cli.Flags;

internal enum DeviceKind
{
    Auto,
    Cuda,
    OneDnn,
    Reference,
}

/// <summary>What --device names.</summary>
/// <param name="Kind">Which backend.</param>
/// <param name="Ordinal">Of a CUDA device.</param>
internal sealed record DeviceChoice(DeviceKind Kind, int Ordinal = 0);

/// <summary>What was asked of a device.</summary>
/// <param name="Choice">Which.</param>
/// <param name="Precision">The number formats it must have.</param>
/// <param name="Threads">Of every kernel.</param>
/// <param name="IsDeterministic">Take kernels in a fixed order instead of measuring.</param>
/// <param name="PlanCacheFolder">Where measured times are kept; null keeps none.</param>
/// <param name="MemoryLimitBytes">What a plan may take; null sets no limit.</param>
internal sealed record DeviceRequest(DeviceChoice Choice, Precision Precision, int Threads, bool IsDeterministic,
    string? PlanCacheFolder, long? MemoryLimitBytes);

/// <summary>The flags that choose a device and how plans are made for it.</summary>
internal sealed class DeviceFlags
{
    private const int MostThreads = 1024;
    private const string NoCache = "none";

    private readonly Option<DeviceChoice?> _device = new("--device")
    {
        Description = "auto: the fastest that is there; cuda, cuda:1: an NVIDIA GPU; onednn; reference: managed code (default auto).",
        HelpName = "auto|cuda[:N]|onednn|reference",
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            const string Numbered = "cuda:";
            switch (text)
            {
                case "auto":
                    return new DeviceChoice(DeviceKind.Auto);
                case "cuda":
                    return new DeviceChoice(DeviceKind.Cuda);
                case "onednn":
                    return new DeviceChoice(DeviceKind.OneDnn);
                case "reference":
                    return new DeviceChoice(DeviceKind.Reference);
                case not null when text.StartsWith(Numbered, StringComparison.Ordinal)
                    && int.TryParse(text.AsSpan(Numbered.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int ordinal):
                    return new DeviceChoice(DeviceKind.Cuda, ordinal);
                default:
                    result.AddError($"--device is '{text}'; give one of auto, cuda, cuda:N, onednn, reference");
                    return null;
            }
        },
    };

    private readonly Option<Precision?> _precision = Flag.Choice("--precision",
        "fp32; bf16: activations in bf16, weights in fp32 (oneDNN, cuda); fp16: the same in fp16, with dynamic loss scaling (cuda); tf32: fp32 whose products round to ten bits (cuda); fp64 (reference) (default fp32).",
        ("fp32", Precision.Fp32), ("tf32", Precision.Tf32), ("bf16", Precision.Bf16), ("fp16", Precision.Fp16), ("fp64", Precision.Fp64));

    private readonly Option<int?> _threads = Flag.Whole("--threads", "Threads of every kernel (default: all cores).");

    private readonly Option<bool> _deterministic = Flag.Switch("--deterministic",
        "Take kernels in a fixed order instead of the fastest measured: every run has the same plan and the same numbers in every bit.");

    private readonly Option<string?> _planCache = Flag.Text("--plan-cache", "DIR|none",
        $"Where measured times are kept (default {PlanCache.DefaultFolder}).");

    private readonly Option<double?> _memoryLimit = Flag.Number("--memory-limit",
        "MiB that a plan may take: activations are freed and computed again to stay below (default: no limit).");

    private readonly Option<string?> _nativePath = NativePathFlag.Create();

    public void AddTo(Command command)
    {
        command.Add(_device);
        command.Add(_nativePath);
        command.Add(_precision);
        command.Add(_threads);
        command.Add(_deterministic);
        command.Add(_planCache);
        command.Add(_memoryLimit);
    }

    public DeviceRequest Read(ParseResult parsed, Precision precision = Precision.Fp32)
    {
        NativePathFlag.Apply(parsed, _nativePath);
        int threads = parsed.GetValue(_threads) ?? Environment.ProcessorCount;
        if (threads is < 1 or > MostThreads)
            throw new ResNetException($"--threads is {threads}; give 1 to {MostThreads}");
        if (parsed.GetValue(_memoryLimit) is <= 0)
            throw new ResNetException($"--memory-limit is {parsed.GetValue(_memoryLimit)}; give MiB, more than 0");
        string? cache = parsed.GetValue(_planCache) ?? PlanCache.DefaultFolder;
        return new DeviceRequest(parsed.GetValue(_device) ?? new DeviceChoice(DeviceKind.Auto), parsed.GetValue(_precision) ?? precision,
            threads, parsed.GetValue(_deterministic), cache == NoCache ? null : cache,
            parsed.GetValue(_memoryLimit) is { } limit ? (long)(limit * (1 << 20)) : null);
    }
}
