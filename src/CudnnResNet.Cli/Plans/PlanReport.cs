namespace CudnnResNet.Cli.Plans;

/// <summary>A kernel that takes a chain.</summary>
/// <param name="Kernel">Its name in the catalog.</param>
/// <param name="Microseconds">Of one run; null where nothing was measured.</param>
internal sealed record CandidateReport(string Kernel, double? Microseconds);

/// <summary>A chain of nodes that one kernel does.</summary>
/// <param name="Problem">The chain as a problem line.</param>
/// <param name="Kernel">The choice.</param>
/// <param name="Microseconds">Of the choice.</param>
/// <param name="ApartMicroseconds">The same nodes one by one, each with its best kernel; null for a single node.</param>
/// <param name="Others">The other kernels that take the chain.</param>
internal sealed record SegmentReport(
    string Problem, string Kernel, double? Microseconds, double? ApartMicroseconds, IReadOnlyList<CandidateReport> Others);

/// <summary>The segments of one block, forward or backward.</summary>
/// <param name="Block">As in torchvision: <c>layer1.0</c>.</param>
/// <param name="Pass">forward, backward or update.</param>
/// <param name="Microseconds">Sum of its segments.</param>
/// <param name="Segments">In order of execution.</param>
internal sealed record BlockReport(string Block, string Pass, double? Microseconds, IReadOnlyList<SegmentReport> Segments);

/// <summary>Chains that a kernel refused although it takes others that begin alike.</summary>
/// <param name="Kernel">Who refused.</param>
/// <param name="Reason">Why.</param>
/// <param name="Problems">How many chains.</param>
/// <param name="Example">One of them.</param>
internal sealed record RefusalReport(string Kernel, string Reason, int Problems, string Example);

/// <summary>The memory plan in bytes; lasting memory is part of all but itself.</summary>
internal sealed record MemoryReport(long PeakBytes, long LowerBoundBytes, long WithoutReuseBytes, long PersistentBytes);

/// <summary>What plan prints with --json.</summary>
internal sealed record PlanReport(string Mode, string Model, string Version, string Device, string Precision, int Batch,
    int ImageSize, int Threads, int Nodes, int Kernels, double? Microseconds, double PlanSeconds, int Measurements,
    int DisturbedMeasurements, MemoryReport Memory, IReadOnlyList<BlockReport> Blocks, IReadOnlyList<RefusalReport> Refusals, string Svg);
