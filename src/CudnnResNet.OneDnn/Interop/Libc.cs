using System.Runtime.InteropServices;

namespace CudnnResNet.OneDnn.Interop;

internal static unsafe partial class Libc
{
    internal const string Library = "libc";

    internal const int MADV_HUGEPAGE = 14;

    [LibraryImport(Library)]
    internal static partial int madvise(void* addr, nuint length, int advice);
}
