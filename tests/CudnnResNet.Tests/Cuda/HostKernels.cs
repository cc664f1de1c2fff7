using System.Runtime.InteropServices;
using System.Text;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Tests.Cuda;

/// <summary>The own CUDA kernels compiled for the host, launched one at a time on host memory.</summary>
internal static unsafe class HostKernels
{
    private static readonly Lazy<nint> Library = new(() =>
        Environment.GetEnvironmentVariable("RESNET_SIMGPU") is { Length: > 0 } folder
        && NativeLibrary.TryLoad(Path.Combine(folder, "libsimgpu_kernels.so"), out nint library) ? library : 0);

    public static string? Refusal => Library.Value == 0
        ? "The kernels were not built for the host: set RESNET_SIMGPU to the folder that native/simgpu/build prints."
        : null;

    /// <summary>Runs a kernel in blocks of 256 threads; a fault fails the test.</summary>
    public static void Run(string kernel, int blocks, params LaunchArgument[] arguments)
    {
        byte[] message = new byte[256];
        int status;
        GCHandle[] pins = [.. arguments.Select(argument => GCHandle.Alloc(argument.Bytes, GCHandleType.Pinned))];
        void** parameters = stackalloc void*[arguments.Length + 1];
        for (int i = 0; i < pins.Length; i++)
            parameters[i] = (void*)pins[i].AddrOfPinnedObject();
        uint* grid = stackalloc uint[] { (uint)blocks, 1, 1 };
        uint* block = stackalloc uint[] { 256, 1, 1 };
        var launch = (delegate* unmanaged<byte*, uint*, uint*, void**, byte*, nuint, int>)
            NativeLibrary.GetExport(Library.Value, "simgpu_kernel_launch");
        fixed (byte* name = Encoding.UTF8.GetBytes(kernel + '\0'), text = message)
            status = launch(name, grid, block, parameters, text, (nuint)message.Length);
        foreach (GCHandle pin in pins)
            pin.Free();
        Assert.True(status == 0, $"{status}: {Encoding.UTF8.GetString(message).TrimEnd('\0')}");
    }
}

/// <summary>A theory about a kernel on the host; skipped, and saying why, where the kernels were not built.</summary>
public sealed class HostKernelTheoryAttribute : TheoryAttribute
{
    public HostKernelTheoryAttribute() => Skip = HostKernels.Refusal;
}

/// <summary>A fact about a kernel on the host; skipped, and saying why, where the kernels were not built.</summary>
public sealed class HostKernelFactAttribute : FactAttribute
{
    public HostKernelFactAttribute() => Skip = HostKernels.Refusal;
}

/// <summary>
/// Memory that a kernel may use, between margins of NaN: what is read outside spoils the result, what is written there is
/// found at the end.
/// </summary>
internal sealed unsafe class KernelMemory : IDisposable
{
    private const int MarginBytes = 256;

    private readonly byte* _memory;
    private readonly int _bytes;

    public KernelMemory(int bytes)
    {
        _bytes = bytes;
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(bytes + 2 * MarginBytes), MarginBytes);
        new Span<byte>(_memory, bytes + 2 * MarginBytes).Fill(0xff);
    }

    public KernelMemory(ReadOnlySpan<byte> contents) : this(contents.Length) => contents.CopyTo(Bytes);

    public static KernelMemory Of<T>(ReadOnlySpan<T> contents) where T : unmanaged => new(MemoryMarshal.AsBytes(contents));

    public Span<byte> Bytes => new(_memory + MarginBytes, _bytes);

    public Span<T> As<T>() where T : unmanaged => MemoryMarshal.Cast<byte, T>(Bytes);

    public CUdeviceptr Address => new((ulong)(_memory + MarginBytes));

    public static implicit operator LaunchArgument(KernelMemory memory) => memory.Address;

    public void Dispose()
    {
        bool intact = !new ReadOnlySpan<byte>(_memory, MarginBytes).ContainsAnyExcept((byte)0xff)
            && !new ReadOnlySpan<byte>(_memory + MarginBytes + _bytes, MarginBytes).ContainsAnyExcept((byte)0xff);
        NativeMemory.AlignedFree(_memory);
        Assert.True(intact, "a kernel wrote outside its memory");
    }
}
