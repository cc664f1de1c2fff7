using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Cuda.Device;

/// <summary>One argument of a kernel; the kernel's declaration says how many of its bytes are read.</summary>
internal readonly record struct LaunchArgument(byte[] Bytes)
{
    public static implicit operator LaunchArgument(CUdeviceptr address) => Of(address.Value);

    public static implicit operator LaunchArgument(long value) => Of(value);

    public static implicit operator LaunchArgument(int value) => Of(value);

    public static implicit operator LaunchArgument(float value) => Of(value);

    /// <summary>A structure by value, laid out as in C.</summary>
    internal static LaunchArgument Of<T>(T value) where T : unmanaged =>
        new(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray());
}

/// <summary>A kernel with its grid and arguments, which stay the same from launch to launch.</summary>
internal sealed unsafe class KernelLaunch : IDisposable
{
    private readonly CUfunction _function;
    private readonly uint _blocks;
    private readonly uint _threads;
    private readonly uint _sharedBytes;

    // The pointers to the values, which cuLaunchKernel reads, then the values.
    private void** _arguments;

    internal KernelLaunch(CUfunction function, long blocks, int threads, int sharedBytes, ReadOnlySpan<LaunchArgument> arguments)
    {
        _function = function;
        _blocks = checked((uint)blocks);
        _threads = (uint)threads;
        _sharedBytes = (uint)sharedBytes;
        int bytes = arguments.Length * sizeof(void*);
        foreach (LaunchArgument argument in arguments)
            bytes += Align(argument.Bytes.Length);
        _arguments = (void**)NativeMemory.AllocZeroed((nuint)Math.Max(bytes, 1));
        byte* next = (byte*)(_arguments + arguments.Length);
        for (int i = 0; i < arguments.Length; i++)
        {
            arguments[i].Bytes.CopyTo(new Span<byte>(next, arguments[i].Bytes.Length));
            _arguments[i] = next;
            next += Align(arguments[i].Bytes.Length);
        }
    }

    ~KernelLaunch() => Free();

    internal void Run(CUstream stream) => CudaDriver.cuLaunchKernel(
        _function, _blocks, 1, 1, _threads, 1, 1, _sharedBytes, stream, _arguments, null).ThrowIfFailed();

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private static int Align(int bytes) => (bytes + sizeof(ulong) - 1) / sizeof(ulong) * sizeof(ulong);

    private void Free()
    {
        NativeMemory.Free(_arguments);
        _arguments = null;
    }
}
