using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Cuda.Device;

/// <summary>
/// The way of a run's inputs to the device: through the open slot of a queue, beside the runs before, or at once and behind
/// everything that the device's stream holds.
/// </summary>
/// <param name="device">Receives.</param>
/// <param name="staging">Of the way without a queue.</param>
/// <param name="queue">Null is a plan without one.</param>
internal sealed class InputPath(CudaDevice device, PinnedStaging staging, CudaRunQueue? queue)
{
    /// <summary>
    /// Work of one run is over before the next takes the same way, because a queue's slot is opened when its run before was
    /// awaited: memory that belongs to the slot is free again.
    /// </summary>
    internal bool IsOfSlot => queue is not null;

    /// <summary>What makes inputs on the device belongs here.</summary>
    internal CUstream Stream => queue?.Copies ?? device.Stream;

    /// <summary>As cuStreamCreate has them.</summary>
    internal uint StreamFlags => queue is null ? device.StreamFlags : (uint)CUstream_flags.CU_STREAM_NON_BLOCKING;

    /// <summary>
    /// To be called when memory was allocated, which is done in the order of the device's stream: what comes from here on finds
    /// it. It waits for the runs that are under way, and is no part of a steady step.
    /// </summary>
    internal void FollowDevice() => queue?.FollowDevice();

    /// <summary>Returns as soon as <paramref name="source"/> may change. A slot takes no more than its run has inputs.</summary>
    internal void Write(CUdeviceptr destination, ReadOnlySpan<byte> source)
    {
        if (queue is not null)
        {
            queue.Write(destination, source);
            return;
        }
        using ContextScope scope = device.Enter();
        staging.Write(destination, source);
    }
}
