using System.Collections.Immutable;
using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Cuda.Device;

/// <summary>Asks each library in the order in which it is needed; the first that refuses ends the probe.</summary>
internal static unsafe class DeviceProbe
{
    private const int OldestCudnn = 90000;
    private const int OldestDriver = 12000;

    /// <summary>Turing, the oldest that CUDA 13 compiles for.</summary>
    private const int OldestArchitecture = 75;

    internal static CudaProbe Run()
    {
        CudaLibraries.Register();
        ImmutableArray<CudaDeviceDescription> devices = [];
        CudaVersions? versions = null;
        string? refusal;
        try
        {
            refusal = Driver(out int driver) ?? Devices(out devices) ?? Libraries(driver, out versions);
        }
        catch (Exception error) when (error is CudaLibraryException or EntryPointNotFoundException)
        {
            refusal = error.Message;
        }
        return new CudaProbe(refusal, devices, versions,
            [.. CudaLibraries.All.Except(CudaLibraries.Optional).SelectMany(Tried)])
        {
            // Behind the others: cuDNN says which major version of CUDA they must have.
            Optional = refusal is not null ? [] :
            [
                Optional(CudaProbe.NvJpeg, "decodes JPEG files on the GPU, else the CPU does", CudaLibraries.NvJpeg, NvJpegVersion),
                Optional("NPP", "scales training images where it measures faster than the own kernel", CudaLibraries.Npp, () => null),
            ],
        };
    }

    private static CudaOptionalLibrary Optional(string name, string use, CudaLibrary library, Func<string?> version) =>
        CudaLibraries.TryLoad(library) is null ? new(name, use, null, CudaLibraries.Missing(library)) : new(name, use, version(), null);

    private static string? NvJpegVersion() =>
        NvJpeg.nvjpegGetProperty(libraryPropertyType.MAJOR_VERSION, out int major) == nvjpegStatus_t.NVJPEG_STATUS_SUCCESS
        && NvJpeg.nvjpegGetProperty(libraryPropertyType.MINOR_VERSION, out int minor) == nvjpegStatus_t.NVJPEG_STATUS_SUCCESS
        && NvJpeg.nvjpegGetProperty(libraryPropertyType.PATCH_LEVEL, out int patch) == nvjpegStatus_t.NVJPEG_STATUS_SUCCESS
            ? $"{major}.{minor}.{patch}"
            : null;

    private static string? Driver(out int version)
    {
        version = 0;
        if (CudaLibraries.TryLoad(CudaLibraries.Driver) is null)
            return CudaLibraries.Missing(CudaLibraries.Driver);
        CUresult status = CudaDriver.cuInit(0);
        if (status == CUresult.CUDA_ERROR_NO_DEVICE)
            return "NVIDIA's driver finds no GPU on this machine; check nvidia-smi and CUDA_VISIBLE_DEVICES, "
                + "or use --device onednn.";
        if (status == CUresult.CUDA_ERROR_STUB_LIBRARY)
            return $"{CudaLibraries.PathOf(CudaLibraries.Driver)} is the toolkit's stub and not a driver; "
                + $"{CudaLibraries.Driver.Remedy}.";
        status.ThrowIfFailed("cuInit(0)");
        CudaDriver.cuDriverGetVersion(out version).ThrowIfFailed();
        return version < OldestDriver
            ? $"NVIDIA's driver supports CUDA {Dotted(version)} only; {CudaLibraries.Driver.Remedy}."
            : null;
    }

    private static string? Devices(out ImmutableArray<CudaDeviceDescription> devices)
    {
        CudaDriver.cuDeviceGetCount(out int count).ThrowIfFailed();
        devices = [.. Enumerable.Range(0, count).Select(Describe)];
        if (count == 0)
            return "NVIDIA's driver lists no GPU; check nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device onednn.";
        return devices.All(device => device.Architecture < OldestArchitecture)
            ? $"{devices[0].Name} has compute capability {devices[0].Architecture / 10}.{devices[0].Architecture % 10}; "
                + $"{OldestArchitecture / 10}.{OldestArchitecture % 10} is the oldest supported. Use --device onednn."
            : null;
    }

    private static string? Libraries(int driver, out CudaVersions? versions)
    {
        versions = null;
        if (CudaLibraries.TryLoad(CudaLibraries.Cudnn) is null)
            return CudaLibraries.Missing(CudaLibraries.Cudnn);
        int cudnn = (int)Cudnn.cudnnGetVersion();
        if (cudnn < OldestCudnn)
            return $"cuDNN {cudnn} is older than version 9; {CudaLibraries.Cudnn.Remedy}.";
        int runtime = (int)Cudnn.cudnnGetCudartVersion();
        if (runtime / 1000 > driver / 1000)
            return $"{CudaLibraries.PathOf(CudaLibraries.Cudnn)} was built for CUDA {Dotted(runtime)}, and the driver "
                + $"supports {Dotted(driver)}; update the driver, or install cuDNN for CUDA {driver / 1000}.";
        CudaLibraries.RequireMajor(runtime / 1000);
        foreach (CudaLibrary library in (ReadOnlySpan<CudaLibrary>)[CudaLibraries.Nvrtc, CudaLibraries.CublasLt])
            if (CudaLibraries.TryLoad(library) is null)
                return CudaLibraries.Missing(library);
        Nvrtc.nvrtcVersion(out int major, out int minor).ThrowIfFailed();
        int cublasLt = (int)CublasLt.cublasLtGetVersion();
        versions = new CudaVersions(Dotted(driver), $"{cudnn / 10000}.{cudnn / 100 % 100}.{cudnn % 100}", $"{major}.{minor}",
            $"{cublasLt / 10000}.{cublasLt / 100 % 100}.{cublasLt % 100}");
        return null;
    }

    private static CudaDeviceDescription Describe(int ordinal)
    {
        const int NameBytes = 256;
        CudaDriver.cuDeviceGet(out CUdevice device, ordinal).ThrowIfFailed();
        byte* name = stackalloc byte[NameBytes];
        CudaDriver.cuDeviceGetName(name, NameBytes, device).ThrowIfFailed();
        CudaDriver.cuDeviceTotalMem_v2(out nuint bytes, device).ThrowIfFailed();
        return new CudaDeviceDescription(ordinal, Marshal.PtrToStringUTF8((nint)name)!, ArchitectureOf(device), (long)bytes)
        {
            State = ManagementInfo.Of(device),
        };
    }

    internal static int ArchitectureOf(CUdevice device) =>
        10 * Attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
        + Attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);

    internal static int Attribute(CUdevice device, CUdevice_attribute attribute)
    {
        CudaDriver.cuDeviceGetAttribute(out int value, attribute, device).ThrowIfFailed();
        return value;
    }

    /// <summary>CUDA writes 12.6 as 12060.</summary>
    private static string Dotted(int version) => $"{version / 1000}.{version % 1000 / 10}";

    private static IEnumerable<string> Tried(CudaLibrary library) =>
        CudaLibraries.PathOf(library) is { } path ? [path] : CudaLibraries.Candidates(library);
}
