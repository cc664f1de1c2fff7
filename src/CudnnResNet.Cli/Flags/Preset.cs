using System.Collections.Immutable;

namespace CudnnResNet.Cli.Flags;

/// <summary>
/// A recipe that ships: flags of <c>train</c> that hold unless they are given. It is expanded before the command line
/// is parsed, so that a run is logged and repeated by its flags alone.
/// </summary>
/// <param name="Name">The value of <c>--preset</c>.</param>
/// <param name="Flags">Flag and value by turns.</param>
internal sealed record Preset(string Name, ImmutableArray<string> Flags)
{
    public const string FlagName = "--preset";

    private const string SmallNetwork =
        "--data fashion-mnist --model resnet18 --stem cifar --precision bf16 --batch 128 --lr 0.2 --label-smoothing 0.1";

    public static ImmutableArray<Preset> All { get; } =
    [
        new("fashion-fast", $"{SmallNetwork} --width 16 --epochs 8"),
        new("fashion-best", $"{SmallNetwork} --width 32 --epochs 24"),
        new("fashion-gpu", $"{SmallNetwork} --width 64 --epochs 60 --device cuda"),
    ];

    private Preset(string name, string flags)
        : this(name, [.. flags.Split(' ')])
    {
    }

    /// <summary>The arguments with the flags of the preset that they name; unchanged where they name none that is known.</summary>
    public static string[] Expand(string[] arguments)
    {
        int at = Array.FindIndex(arguments, argument => IsFlag(argument, FlagName));
        if (at < 0)
            return arguments;
        string name = arguments[at].Length > FlagName.Length
            ? arguments[at][(FlagName.Length + 1)..]
            : arguments.ElementAtOrDefault(at + 1) ?? "";
        if (All.FirstOrDefault(preset => preset.Name == name) is not { } found)
            return arguments;
        List<string> expanded = [.. arguments];
        for (int i = 0; i < found.Flags.Length; i += 2)
            if (!arguments.Any(argument => IsFlag(argument, found.Flags[i])
                || (found.Flags[i] == "--epochs" && IsFlag(argument, "--steps"))))
                expanded.AddRange([found.Flags[i], found.Flags[i + 1]]);
        return [.. expanded];
    }

    private static bool IsFlag(string argument, string flag) =>
        argument == flag || argument.StartsWith(flag + "=", StringComparison.Ordinal)
            || argument.StartsWith(flag + ":", StringComparison.Ordinal);
}
