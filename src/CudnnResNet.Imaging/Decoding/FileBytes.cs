using System.Runtime.InteropServices;
using CudnnResNet.Data;
using CudnnResNet.Imaging.Interop;

namespace CudnnResNet.Imaging.Decoding;

/// <summary>Whole files, one after the other, in memory that is used again. Not for two threads at once.</summary>
internal sealed unsafe class FileBytes : IDisposable
{
    private readonly ByteStore _content = new();

    /// <summary>Valid until the next call.</summary>
    /// <exception cref="DamagedImageException">The file is missing, too long, or cannot be read.</exception>
    public ReadOnlySpan<byte> Read(PathTable paths, int index, long maxBytes) => OperatingSystem.IsLinux()
        ? ReadDirectly(paths, index, maxBytes)
        : Read(paths[index], maxBytes);

    /// <inheritdoc cref="Read(PathTable, int, long)"/>
    public ReadOnlySpan<byte> Read(string path, long maxBytes)
    {
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            Check(path, stream.Length, maxBytes);
            Span<byte> content = new(_content.Reserve(stream.Length), (int)stream.Length);
            stream.ReadExactly(content);
            return content;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DamagedImageException($"{path}: cannot be read ({error.Message}); check that it is there", error);
        }
    }

    public void Dispose() => _content.Dispose();

    private ReadOnlySpan<byte> ReadDirectly(PathTable paths, int index, long maxBytes)
    {
        int file;
        fixed (byte* path = paths.Terminated(index))
            // A pipe must not keep us waiting for its writer.
            file = Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC | Libc.O_NONBLOCK);
        if (file < 0)
            throw Unreadable(paths[index]);
        try
        {
            long bytes = Libc.lseek(file, 0, Libc.SEEK_END);
            if (bytes < 0 || Libc.lseek(file, 0, Libc.SEEK_SET) != 0)
                throw Unreadable(paths[index]);
            if (bytes > maxBytes)
                Check(paths[index], bytes, maxBytes);
            byte* content = _content.Reserve(bytes);
            long done = 0;
            while (done < bytes)
            {
                nint got = Libc.read(file, content + done, (nuint)(bytes - done));
                if (got <= 0)
                    throw Unreadable(paths[index]);
                done += got;
            }
            return new ReadOnlySpan<byte>(content, (int)bytes);
        }
        finally
        {
            _ = Libc.close(file);
        }
    }

    private static void Check(string path, long bytes, long maxBytes)
    {
        if (bytes > maxBytes)
            throw new DamagedImageException($"{path}: has {bytes} bytes, over the limit of {maxBytes}; images are smaller");
    }

    private static DamagedImageException Unreadable(string path) =>
        new($"{path}: cannot be read ({Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}); check that it is there");
}
