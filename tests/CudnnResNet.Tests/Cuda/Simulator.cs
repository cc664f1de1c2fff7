using System.Runtime.InteropServices;
using System.Text;
using CudnnResNet.Cuda;
using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Tests.Cuda;

/// <summary>What native/simgpu exports beside the libraries that it stands for: scripted faults and counts.</summary>
internal static unsafe class Simulator
{
    private static readonly Lazy<nint> Library = new(() => NativeLibrary.Load(Path.Combine(Folder!, "libsimgpu.so")));

    private static readonly Lazy<nint> Driver = new(() => NativeLibrary.Load(Path.Combine(Folder!, "libcuda.so.1")));

    /// <summary>The folder that native/simgpu/build printed; null where tests do not run on the simulated GPU.</summary>
    internal static string? Folder => DeviceUnderTest.Probe.Devices.Any(device => device.IsSimulated) ? CudaProbe.NativePath : null;

    /// <summary>Commands parted by semicolons; the comment at simgpu_script in core/call.cpp lists them.</summary>
    internal static void Script(string commands)
    {
        fixed (byte* text = Terminated(commands))
            Assert.Equal(0, ((delegate* unmanaged<byte*, int>)NativeLibrary.GetExport(Library.Value, "simgpu_script"))(text));
    }

    /// <summary><c>calls.FUNCTION</c>, <c>ran.FUNCTION</c>, <c>live.KIND</c>, <c>live</c>, <c>complaints</c> or <c>bytes.to_device</c>.</summary>
    internal static long Query(string key)
    {
        fixed (byte* text = Terminated(key))
            return ((delegate* unmanaged<byte*, long>)NativeLibrary.GetExport(Library.Value, "simgpu_query"))(text);
    }

    /// <summary>Fills device memory with NaN, in the order of the stream; a context must be current.</summary>
    internal static void Poison(CUdeviceptr start, long bytes, CUstream stream) => Assert.Equal(CUresult.CUDA_SUCCESS,
        ((delegate* unmanaged<CUdeviceptr, nuint, CUstream, CUresult>)NativeLibrary.GetExport(Driver.Value, "simgpu_poison"))(start, (nuint)bytes, stream));

    /// <summary>Forgets complaints and counts of calls.</summary>
    internal static void Clear() => ((delegate* unmanaged<void>)NativeLibrary.GetExport(Library.Value, "simgpu_clear"))();

    /// <summary>What is alive, "3 stream, 1 cudnn.handle"; empty where nothing is.</summary>
    internal static string Live()
    {
        byte* text = stackalloc byte[1024];
        _ = ((delegate* unmanaged<byte*, int, int>)NativeLibrary.GetExport(Library.Value, "simgpu_live"))(text, 1024);
        return Marshal.PtrToStringUTF8((nint)text)!;
    }

    /// <summary>What callers did that a device might not have noticed, since the last <see cref="Clear"/>.</summary>
    internal static IReadOnlyList<string> Complaints()
    {
        var complaint = (delegate* unmanaged<int, byte*, int, int>)NativeLibrary.GetExport(Library.Value, "simgpu_complaint");
        List<string> all = [];
        byte* text = stackalloc byte[1200];
        while (complaint(all.Count, text, 1200) >= 0)
            all.Add(Marshal.PtrToStringUTF8((nint)text)!);
        return all;
    }

    private static byte[] Terminated(string text) => [.. Encoding.UTF8.GetBytes(text), 0];
}

/// <summary>A fact about the simulated GPU; skipped, and saying why, where tests do not run on it.</summary>
public sealed class SimulatorFactAttribute : FactAttribute
{
    public SimulatorFactAttribute() => Skip = SimulatorRefusal;

    internal static string? SimulatorRefusal => Simulator.Folder is null
        ? DeviceUnderTest.Refusal ?? "Runs on the simulated GPU alone."
        : null;
}

/// <summary>A theory about the simulated GPU; skipped, and saying why, where tests do not run on it.</summary>
public sealed class SimulatorTheoryAttribute : TheoryAttribute
{
    public SimulatorTheoryAttribute() => Skip = SimulatorFactAttribute.SimulatorRefusal;
}
