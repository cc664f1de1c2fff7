namespace CudnnResNet.Reporting;

/// <summary>What a report says of a run beside its log: <see cref="RunFolder.DescriptionFile"/>, written before the first step.</summary>
/// <param name="Title">What was trained on what.</param>
/// <param name="Network">In words.</param>
/// <param name="Device">In words.</param>
/// <param name="ClassNames">One a class.</param>
/// <param name="Batch">Images of a step.</param>
/// <param name="TotalSteps">Of the whole run as it was planned.</param>
/// <param name="Memory">The memory plan in figures; its drawing is <see cref="RunFolder.MemoryFile"/>.</param>
public sealed record RunDescription(
    string Title,
    string Network,
    string Device,
    IReadOnlyList<string> ClassNames,
    int Batch,
    long TotalSteps,
    IReadOnlyList<NamedValue> Memory);
