using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using CudnnResNet.Execution;
using CudnnResNet.Kernels;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Reporting;

/// <summary>
/// A <see cref="StepTrace"/> as a Chrome trace (the Trace Event Format's JSON object), for ui.perfetto.dev and
/// chrome://tracing: a track a thread, complete events, times in microseconds with nanoseconds behind the point.
/// </summary>
public static class ChromeTrace
{
    private const int Process = 1;

    /// <exception cref="ResNetException">The file cannot be written.</exception>
    public static void Write(string path, StepTrace trace, string title)
    {
        using MemoryStream text = new();
        using (Utf8JsonWriter json = new(text))
            Write(json, trace, title);
        AtomicFile.Write(path, file => file.Write(text.GetBuffer().AsSpan(0, (int)text.Length)));
    }

    private static void Write(Utf8JsonWriter json, StepTrace trace, string title)
    {
        ImmutableArray<TraceSlice> slices = trace.Slices();
        long origin = slices.IsEmpty ? 0 : slices.Min(slice => slice.Begin);
        json.WriteStartObject();
        json.WriteString("displayTimeUnit"u8, "ms"u8);
        json.WriteStartObject("otherData"u8);
        json.WriteString("title"u8, title);
        json.WriteNumber("lostSlices"u8, trace.Lost);
        json.WriteEndObject();
        json.WriteStartArray("traceEvents"u8);
        WriteName(json, "process_name", thread: 0, title);
        foreach ((int thread, string? name) in trace.Threads)
            WriteName(json, "thread_name", thread, slices.Any(slice => slice.Thread == thread && slice.Kind == TraceKind.Step)
                ? "steps"
                : name ?? $"thread {thread}");
        foreach (TraceSlice slice in slices.OrderBy(slice => slice.Begin).ThenByDescending(slice => slice.End))
            WriteSlice(json, trace, slice, origin);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteName(Utf8JsonWriter json, string kind, int thread, string name)
    {
        json.WriteStartObject();
        json.WriteString("name"u8, kind);
        json.WriteString("ph"u8, "M"u8);
        json.WriteNumber("pid"u8, Process);
        json.WriteNumber("tid"u8, thread);
        json.WriteStartObject("args"u8);
        json.WriteString("name"u8, name);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteSlice(Utf8JsonWriter json, StepTrace trace, TraceSlice slice, long origin)
    {
        // Both ends on one grid: neighbours that touch still do, and none overlap.
        long begin = Nanoseconds(slice.Begin - origin);
        long end = Nanoseconds(slice.End - origin);
        Segment? segment = slice.Kind == TraceKind.Kernel ? trace.Segments[slice.Segment] : null;
        json.WriteStartObject();
        json.WriteString("name"u8, segment?.Problem.Line ?? NameOf(slice));
        json.WriteString("cat"u8, segment is null ? "host"u8 : "kernel"u8);
        json.WriteString("ph"u8, "X"u8);
        json.WriteNumber("pid"u8, Process);
        json.WriteNumber("tid"u8, slice.Thread);
        json.WriteNumber("ts"u8, begin / 1000m);
        json.WriteNumber("dur"u8, (end - begin) / 1000m);
        json.WriteStartObject("args"u8);
        json.WriteNumber("step"u8, slice.Step);
        if (segment is not null)
            WriteKernel(json, segment, slice.Segment, end - begin);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteKernel(Utf8JsonWriter json, Segment segment, int index, long nanoseconds)
    {
        long bytes = ProblemWork.Bytes(segment.Problem);
        long operations = ProblemWork.FloatingPointOperations(segment.Problem);
        json.WriteNumber("segment"u8, index);
        json.WriteString("kernel"u8, segment.Kernel.Name);
        json.WriteString("block"u8, segment.Nodes[0].Scope);
        json.WriteNumber("bytes"u8, bytes);
        json.WriteNumber("flops"u8, operations);
        if (nanoseconds <= 0)
            return;
        json.WriteNumber("GB/s"u8, Math.Round((double)bytes / nanoseconds, 2));
        json.WriteNumber("GFLOP/s"u8, Math.Round((double)operations / nanoseconds, 2));
    }

    private static string NameOf(TraceSlice slice) => slice.Kind switch
    {
        TraceKind.Step => $"step {slice.Step}",
        TraceKind.LoadBatch => "load batch",
        TraceKind.MakeBatch => "make batch",
        TraceKind.CopyIn => "copy in",
        TraceKind.Evaluate => "evaluate",
        TraceKind.Save => "save",
        _ => throw new InvalidOperationException($"No name for {slice.Kind}."),
    };

    private static long Nanoseconds(long ticks) => (long)((Int128)ticks * 1_000_000_000 / Stopwatch.Frequency);
}
