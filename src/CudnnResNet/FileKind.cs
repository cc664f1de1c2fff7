using System.Runtime.InteropServices;
using System.Text;

namespace CudnnResNet;

/// <summary>What a path leads to, which .NET does not tell: opening a pipe waits for its other end, and a rename over a device removes it.</summary>
internal static class FileKind
{
    private const int CurrentFolder = -100;     // AT_FDCWD
    private const uint TypeOnly = 1;            // STATX_TYPE
    private const int ModeOffset = 28;          // stx_mode of struct statx, the same on every architecture
    private const int TypeMask = 0xF000, Folder = 0x4000, Regular = 0x8000;

    /// <summary>True of devices, pipes and sockets, links followed; elsewhere than on Linux nothing is known to be one.</summary>
    public static bool IsSpecial(string path)
    {
        if (!OperatingSystem.IsLinux())
            return false;
        byte[] status = new byte[256];
        if (statx(CurrentFolder, Encoding.UTF8.GetBytes(path + '\0'), 0, TypeOnly, status) != 0)
            return false;
        return (BitConverter.ToUInt16(status, ModeOffset) & TypeMask) is not (Folder or Regular);
    }

    // DllImport with blittable arguments only: LibraryImport would need unsafe code in this project.
#pragma warning disable SYSLIB1054, IDE1006
    [DllImport("libc")]
    private static extern int statx(int folder, byte[] path, int flags, uint mask, byte[] status);
#pragma warning restore SYSLIB1054, IDE1006
}
