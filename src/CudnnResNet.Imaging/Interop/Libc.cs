using System.Runtime.InteropServices;

namespace CudnnResNet.Imaging.Interop;

/// <summary>What reads a file without managed memory (POSIX, Linux's values).</summary>
internal static unsafe partial class Libc
{
    private const string Library = "libc";

    internal const int O_RDONLY = 0;
    internal const int O_NONBLOCK = 0x800;
    internal const int O_CLOEXEC = 0x80000;
    internal const int SEEK_SET = 0;
    internal const int SEEK_END = 2;

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int open(byte* path, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint read(int fd, void* buf, nuint count);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial long lseek(int fd, long offset, int whence);

    [LibraryImport(Library)]
    internal static partial int close(int fd);
}
