using System.Reflection;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Compilation;
using CudnnResNet.Cuda;
using CudnnResNet.Imaging;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn;
using CudnnResNet.Reference;
using CudnnResNet.Reporting;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cli;

/// <summary>Chooses a backend by probing: the one asked for, or the fastest that is there and has the precision.</summary>
internal static class Devices
{
    /// <exception cref="ResNetException">What was asked for is not there, or lacks the precision.</exception>
    public static Device Open(DeviceRequest request, Terminal terminal)
    {
        DeviceKind kind = request.Choice.Kind == DeviceKind.Auto ? Fastest(request.Precision, CudaProbe.Run(), OneDnnBackend.Probe(), terminal) : request.Choice.Kind;
        IBackend backend = kind switch
        {
            DeviceKind.Cuda => new CudaBackend(new CudaOptions
            {
                Ordinal = request.Choice.Ordinal,
                IsDeterministic = request.IsDeterministic,
                EngineCacheFolder = request.PlanCacheFolder is { } plans ? Path.Combine(plans, "engines") : null,
                Warn = reason => terminal.Error.WriteLine($"device: {reason}"),
                AllowTf32 = request.Precision == Precision.Tf32,
                MarksRanges = Environment.GetEnvironmentVariable("CUDNNRESNET_NVTX") == "1",
            }),
            DeviceKind.Reference => new ReferenceBackend(request.Threads),
            _ => new OneDnnBackend(request.Threads),
        };
        if (backend.Supports(request.Precision) is { IsSupported: false } no)
        {
            backend.Dispose();
            throw new ResNetException($"--precision {request.Precision.ShortName()}: {no.Refusal}");
        }
        CompilerOptions compiler = new()
        {
            // The reference has one kernel for each operation: there is nothing to choose.
            Tune = !request.IsDeterministic && kind != DeviceKind.Reference,
            PlanCacheFolder = request.PlanCacheFolder,
            MemoryLimitBytes = request.MemoryLimitBytes,
            KeepsPlans = kind == DeviceKind.Cuda,
        };
        return new Device(backend, request.Precision, compiler, LibrariesOf(backend));
    }

    public static string RuntimeVersion => Environment.Version.ToString();

    /// <summary>With the commit that it was built from, where that is known: <c>0.1.0+982a526d0c1e</c>.</summary>
    public static string OwnVersion { get; } = Shortened(
        typeof(Devices).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion);

    private static string Shortened(string version)
    {
        const int CommitCharacters = 12;
        int commit = version.IndexOf('+', StringComparison.Ordinal) + 1;
        return commit > 0 && version.Length - commit > CommitCharacters ? version[..(commit + CommitCharacters)] : version;
    }

    /// <summary>What <c>auto</c> stands for.</summary>
    internal static DeviceKind Fastest(Precision precision, CudaProbe cuda, OneDnnProbe oneDnn, Terminal terminal)
    {
        if (precision == Precision.Fp64)
            return DeviceKind.Reference;
        // A simulated device is there to be tested; nobody is served by computing on it.
        if (cuda.IsAvailable && cuda.Devices[0] is { IsSimulated: false } first && first.Precisions.Contains(precision))
            return DeviceKind.Cuda;
        if (oneDnn.Refusal is not { } reason)
            return DeviceKind.OneDnn;
        terminal.Error.WriteLine($"device: the managed reference backend, many times slower than oneDNN: {reason}");
        return DeviceKind.Reference;
    }

    private static List<NamedValue> LibrariesOf(IBackend backend)
    {
        List<NamedValue> libraries =
        [
            new("cudnnresnet", OwnVersion),
            // A checkout may hold more than its commit.
            new("build", BuildIdentity.Of(backend.GetType().Module, typeof(EncodedImageSet).Module, typeof(Devices).Module)),
            new("dotnet", RuntimeVersion),
        ];
        if (backend is OneDnnBackend)
        {
            libraries.Add(new NamedValue("onednn", OneDnnBackend.Probe().Version!));
            libraries.Add(new NamedValue("cpu kernels", CpuKernelsProbe.Run().Version ?? "none"));
        }
        if (backend is CudaBackend && CudaProbe.Run().Versions is { } versions)
        {
            libraries.Add(new NamedValue("cuda driver", versions.Driver));
            libraries.Add(new NamedValue("cudnn", versions.Cudnn));
            libraries.Add(new NamedValue("cublaslt", versions.CublasLt));
            libraries.Add(new NamedValue("nvrtc", versions.Nvrtc));
        }
        return libraries;
    }
}
