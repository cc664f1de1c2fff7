using System.Collections.Immutable;
using CudnnResNet.Compilation;
using CudnnResNet.Execution;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Weights;

namespace CudnnResNet.Inference;

/// <summary>What a session runs on: <paramref name="Batch"/> images of so many pixels.</summary>
public readonly record struct InferenceSize(int Batch, int Height, int Width);

/// <summary>
/// A network that serves batches or images of several sizes from one block of memory: its weights lie there once, except
/// where kernels pack them, and activations share the room that the largest size needs. One session works at a time: images
/// written to one are gone when another's are written, and batches submitted to one are collected before another takes some.
/// </summary>
public sealed class InferenceSessions : IDisposable
{
    private const string Family = "inference";

    private readonly PlanGroup _group;

    private InferenceSessions(PlanGroup group, ImmutableArray<InferenceSession> sessions) => (_group, Sessions) = (group, sessions);

    /// <summary>One for each size, in the order in which they were asked for.</summary>
    public ImmutableArray<InferenceSession> Sessions { get; }

    /// <summary>All memory of the sessions.</summary>
    public long Bytes => _group.Bytes;

    /// <param name="spec">The network.</param>
    /// <param name="sizes">At least one.</param>
    /// <param name="precision">The number formats.</param>
    /// <param name="backend">Computes.</param>
    /// <param name="options">How plans are made.</param>
    public static InferenceSessions Create(ResNetSpec spec, IReadOnlyList<InferenceSize> sizes, Precision precision,
        IBackend backend, CompilerOptions options)
    {
        ImmutableArray<CompiledInference> compiled = [.. sizes.Select(size =>
            CompiledInference.Of(spec, size.Batch, size.Height, size.Width, precision, backend, options))];
        foreach (CompiledInference each in compiled)
            each.RequireSpans();
        PlanGroup group = PlanGroup.Load(backend, [.. compiled.Select(each => (Family, each.Plan))]);
        try
        {
            SharedInputs shared = new();
            return new InferenceSessions(group, [.. compiled.Zip(group.Plans, (each, plan) => new InferenceSession(each, plan, ownsPlan: false, shared))]);
        }
        catch
        {
            group.Dispose();
            throw;
        }
    }

    /// <exception cref="ResNetException">The weights do not fit; the network keeps those that it had.</exception>
    public void LoadWeights(NetworkWeights weights)
    {
        Sessions[0].LoadWeights(weights);
        foreach (InferenceSession session in Sessions.AsSpan()[1..])
            session.Prepare();
    }

    /// <summary>The session for the fewest images that holds so many; the largest where none does.</summary>
    public InferenceSession For(int images)
    {
        InferenceSession best = Sessions[0];
        foreach (InferenceSession session in Sessions)
            if (best.Batch < images ? session.Batch > best.Batch : session.Batch >= images && session.Batch < best.Batch)
                best = session;
        return best;
    }

    /// <summary>The sessions are of no use any more.</summary>
    public void Dispose()
    {
        foreach (InferenceSession session in Sessions)
            session.Dispose();
        _group.Dispose();
    }
}
