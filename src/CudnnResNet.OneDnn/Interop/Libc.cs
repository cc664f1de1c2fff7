using System.Runtime.InteropServices;

namespace CudnnResNet.OneDnn.Interop;

internal static unsafe partial class Libc
{
    internal const string Library = "libc";

    internal const int MADV_HUGEPAGE = 14;

    internal const int RUSAGE_SELF = 0;

    [LibraryImport(Library)]
    internal static partial int madvise(void* addr, nuint length, int advice);

    [LibraryImport(Library)]
    internal static partial int getrusage(int who, ResourceUsage* usage);

    /// <summary><c>struct rusage</c> of Linux on 64 bits: two timevals, then fourteen longs.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct ResourceUsage
    {
        internal fixed long ru_utime[2];
        internal fixed long ru_stime[2];
        internal long ru_maxrss, ru_ixrss, ru_idrss, ru_isrss, ru_minflt, ru_majflt, ru_nswap, ru_inblock, ru_oublock;
        internal long ru_msgsnd, ru_msgrcv, ru_nsignals, ru_nvcsw, ru_nivcsw;
    }
}
