using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>
/// How batch_norm.cu cuts [rows, channels] into blocks: tiles along the channels, chunks along the rows. As many chunks
/// as fill the device a few times over, and no fewer rows in each than make a block worth its while.
/// </summary>
internal readonly record struct RowChunks(long Rows, int Channels, int Tiles, long ChunkRows, int Chunks)
{
    private const int TileThreads = 32;
    private const int TileRows = 8;
    private const int FinishChannels = 8;
    private const int BlocksPerMultiprocessor = 8;

    /// <summary>Rows that a thread adds up at least, where there are so many.</summary>
    private const int FewestTurns = 4;

    /// <summary>Of the kernels that combine chunks, and of channel_sums.</summary>
    internal int FinishBlocks => (Channels + FinishChannels - 1) / FinishChannels;

    internal int Blocks => checked(Chunks * Tiles);

    /// <summary>Two numbers for each chunk and channel.</summary>
    internal long PartialBytes => (long)Chunks * Channels * sizeof(float);

    internal static RowChunks Of(TensorShape shape, DataType type, int multiprocessors)
    {
        int channels = shape.C;
        long rows = shape.Elements / channels;
        int lanes = 16 / type.ByteSize();
        int vector = channels % lanes == 0 ? lanes : 1;
        int tiles = (channels + TileThreads * vector - 1) / (TileThreads * vector);
        long most = Math.Max(1, multiprocessors * BlocksPerMultiprocessor / tiles);
        long chunkRows = Math.Max(TileRows * FewestTurns, (rows + most - 1) / most);
        return new RowChunks(rows, channels, tiles, chunkRows, checked((int)((rows + chunkRows - 1) / chunkRows)));
    }
}
