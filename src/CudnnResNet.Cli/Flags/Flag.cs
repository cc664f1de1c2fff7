using System.CommandLine;
using System.Globalization;

namespace CudnnResNet.Cli.Flags;

/// <summary>Makes flags that take one value; a value that cannot be read is refused with the flag's name and what would do.</summary>
internal static class Flag
{
    public static Option<int?> Whole(string name, string description) => Make<int?>(name, description, "N",
        text => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) ? value : null,
        $"a whole number, at most {int.MaxValue}");

    /// <summary>A number of images, or <c>auto</c>.</summary>
    public static Option<BatchSize?> Batch(string description) => Make<BatchSize?>("--batch", description, "N|auto",
        text => text == "auto" ? new BatchSize((int?)null)
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= 1 ? new BatchSize(value) : null,
        $"a whole number from 1 to {int.MaxValue}, or auto");

    public static Option<long?> Long(string name, string description) => Make<long?>(name, description, "N",
        text => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value : null,
        "a whole number");

    public static Option<ulong?> Seed(string name, string description) => Make<ulong?>(name, description, "N",
        text => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? value : null,
        "a whole number from 0");

    public static Option<double?> Number(string name, string description) => Make<double?>(name, description, "X",
        text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && double.IsFinite(value) ? value : null,
        "a number");

    public static Option<string?> Text(string name, string placeholder, string description) => new(name)
    {
        Description = description,
        HelpName = placeholder,
    };

    public static Option<bool> Switch(string name, string description) => new(name) { Description = description };

    /// <summary>One of a few words.</summary>
    public static Option<T?> Choice<T>(string name, string description, params (string Word, T Value)[] choices)
        where T : struct
    {
        string words = string.Join(", ", choices.Select(choice => choice.Word));
        return Make<T?>(name, description, words.Replace(", ", "|", StringComparison.Ordinal),
            text =>
            {
                foreach ((string word, T value) in choices)
                    if (word == text)
                        return value;
                return null;
            },
            $"one of {words}");
    }

    /// <param name="name">With its dashes.</param>
    /// <param name="description">For help.</param>
    /// <param name="placeholder">Stands for the value in help.</param>
    /// <param name="parse">Null where the text is no such value.</param>
    /// <param name="wanted">What would be one.</param>
    public static Option<T> Make<T>(
        string name, string description, string placeholder, Func<string, T?> parse, string wanted) => new(name)
        {
            Description = description,
            HelpName = placeholder,
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                if (parse(text) is { } value)
                    return value;
                result.AddError($"{name} is '{text}'; give {wanted}");
                return default!;
            },
        };

    /// <exception cref="ResNetException">The value is less than 1.</exception>
    public static int Positive(this ParseResult parsed, Option<int?> option, int standard) =>
        (parsed.GetValue(option) ?? standard) is >= 1 and int value
            ? value
            : throw new ResNetException($"{option.Name} is {parsed.GetValue(option)}; give at least 1");

    public static string Required(this ParseResult parsed, Option<string?> option) =>
        parsed.GetValue(option) is { Length: > 0 } text
            ? text
            : throw new ResNetException($"{option.Name} is missing; give {option.Name} {option.HelpName}");
}
