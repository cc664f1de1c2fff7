using System.Runtime.InteropServices;
using System.Text;

namespace CudnnResNet;

/// <summary>
/// Flushes a folder's own entries to the disk, so that a rename inside it survives a power cut. .NET refuses to open
/// folders, so this calls the C library, which the .NET runtime itself stands on.
/// Windows has no such call; NTFS journals the rename.
/// </summary>
internal static class FolderSync
{
    private const int ReadOnly = 0;              // O_RDONLY
    private const int InvalidArgument = 22;      // EINVAL: a file system without flushable folders

    /// <exception cref="IOException">The folder cannot be opened or flushed.</exception>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
            return;
        int descriptor = open(Encoding.UTF8.GetBytes(folder + '\0'), ReadOnly);
        if (descriptor < 0)
            throw Failed("opened", folder);
        try
        {
            if (fsync(descriptor) != 0 && Marshal.GetLastPInvokeError() != InvalidArgument)
                throw Failed("flushed", folder);
        }
        finally
        {
            _ = close(descriptor);
        }
    }

    private static IOException Failed(string what, string folder)
    {
        int error = Marshal.GetLastPInvokeError();
        return new IOException($"the folder {folder} cannot be {what}: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    // DllImport with blittable arguments only: LibraryImport would need unsafe code in this project.
#pragma warning disable SYSLIB1054, IDE1006
    [DllImport("libc", SetLastError = true)]
    private static extern int open(byte[] path, int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int fsync(int descriptor);

    [DllImport("libc", SetLastError = true)]
    private static extern int close(int descriptor);
#pragma warning restore SYSLIB1054, IDE1006
}
