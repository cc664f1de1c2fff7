using CudnnResNet.Kernels;

namespace CudnnResNet.OneDnn.Kernels;

/// <summary>Places the parts of a kernel's workspace one behind the other, each on a cache line.</summary>
internal struct WorkspaceLayout
{
    internal long Bytes { get; private set; }

    /// <summary>The offset of the next part.</summary>
    internal long Reserve(long bytes)
    {
        long offset = Bytes;
        Bytes += Region.Align(bytes);
        return offset;
    }
}
