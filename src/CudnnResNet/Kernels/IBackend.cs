using System.Collections.Immutable;
using System.Diagnostics;
using CudnnResNet.Tensors;

namespace CudnnResNet.Kernels;

/// <summary>A device with a catalog of kernels: reference, oneDNN or CUDA.</summary>
public interface IBackend : IDisposable
{
    /// <summary>The name that users choose it by: <c>reference</c>, <c>onednn</c>, <c>cuda</c>.</summary>
    string Name { get; }

    /// <summary>Device, instruction set, library versions and thread count: two backends with equal identities time alike.</summary>
    string Identity { get; }

    int Threads { get; }

    /// <summary>Ordered by preference; the last entries are plain, take one node at a time and never refuse a legal one.</summary>
    ImmutableArray<Kernel> Kernels { get; }

    /// <summary>Bytes that a measurement must touch between two runs so that no operand is found in a cache.</summary>
    long CacheBytes { get; }

    /// <summary>
    /// Microseconds that a kernel costs a step beside its own run: what lies between two kernels, and operands that its
    /// neighbours took from the caches. Of two ways that take equally long, the one with fewer kernels is the faster.
    /// </summary>
    double GapMicroseconds => 0;

    /// <summary>
    /// How often so far the system took a processor away from a thread of this process: what was timed while that happened
    /// took longer than it does. Always 0 where the device keeps its own time, or the system does not tell.
    /// </summary>
    long Interruptions => 0;

    KernelSupport Supports(Precision precision);

    /// <summary>
    /// One launch for the updates of all tensors is worth keeping every gradient until the end of the step.
    /// </summary>
    bool PrefersGroupedUpdates => false;

    /// <summary>
    /// The mask of a ReLU behind a batch norm is computed again from the norm's input, which the gradient of the norm reads
    /// in any case, instead of read from the ReLU's result: memory costs more than arithmetic.
    /// </summary>
    bool PrefersRecomputedMasks => false;

    /// <summary>Memory that nobody holds, of a device with memory of its own; null where the backend does not tell.</summary>
    long? FreeBytes => null;

    /// <summary>Measures the limits of this device, in less than a second; null where the backend cannot.</summary>
    MachinePeaks? MeasurePeaks(Precision precision) => null;

    /// <summary>
    /// Runs (training steps, batches that are served) that the device may have before it while the host goes on: each has inputs
    /// of its own. 1 is a backend that computes in its caller's thread.
    /// </summary>
    int RunsUnderWay => 1;

    /// <summary>A queue of runs that read their inputs from <paramref name="arena"/>.</summary>
    /// <param name="arena">Of this backend; it outlives the queue.</param>
    /// <param name="slots">Runs that may be under way at once.</param>
    /// <param name="inputs">What a run is given, one region an input; lengths count, and the number.</param>
    /// <param name="results">The same for what comes back.</param>
    RunQueue CreateQueue(Arena arena, int slots, ReadOnlySpan<Region> inputs, ReadOnlySpan<Region> results) =>
        new SynchronousQueue(this, arena, slots, results);

    /// <summary>Zero-filled memory. A <see cref="ResNetException"/> where there is not enough.</summary>
    Arena Allocate(long bytes);

    /// <summary>
    /// Lets images reach a plan as bytes; null where the backend has no use for that, and the host normalises.
    /// </summary>
    /// <param name="arena">Of this backend.</param>
    /// <param name="images">The plan's images in it.</param>
    /// <param name="shape">NHWC, without padding.</param>
    /// <param name="type">Their type.</param>
    /// <param name="scale">One for each channel.</param>
    /// <param name="shift">One for each channel.</param>
    /// <param name="queue">Of this backend and the arena: the images are those of the run that is open in it. Null is a plan without one.</param>
    ByteInput? CreateByteInput(Arena arena, Region images, TensorShape shape, DataType type,
        ReadOnlySpan<float> scale, ReadOnlySpan<float> shift, RunQueue? queue) => null;

    /// <summary>
    /// What scales training's images from now on where the backend decodes their files, in a word that checkpoints keep: pixels differ
    /// with it, so a run has the same to its end unless it fails. Null where nothing but the host ever scales, "host" where it has to do
    /// the backend's work.
    /// </summary>
    /// <param name="earlier">The word of the run that is continued, which is taken where it can be; of no effect once there is an answer.</param>
    string? ImageScaling(string? earlier = null) => null;

    /// <summary>Blocks until everything that was enqueued has run.</summary>
    void Synchronize();

    /// <summary>
    /// One kernel that does what all of <paramref name="kernels"/> do in their order, for less effort of the host; null
    /// where the backend has no such thing. Each of them has run before, and outlives the recording.
    /// </summary>
    LoadedKernel? Record(ReadOnlySpan<LoadedKernel> kernels) => null;

    /// <summary>The microseconds of one run, by the device's own clock where it has one; returns when it is done.</summary>
    double Time(LoadedKernel kernel)
    {
        long begin = Stopwatch.GetTimestamp();
        kernel.Run();
        Synchronize();
        return Stopwatch.GetElapsedTime(begin).TotalMicroseconds;
    }
}
