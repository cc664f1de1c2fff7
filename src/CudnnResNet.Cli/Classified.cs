using System.Text.Json.Serialization;

namespace CudnnResNet.Cli;

/// <summary>One of the likeliest classes of an image.</summary>
internal sealed record LikelyClass(int Class, string Name, double Probability);

/// <summary>What predict prints of an image with --json: its likeliest classes, or why it cannot be read.</summary>
internal sealed record Classified(
    string File,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<LikelyClass>? Top,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Error);
