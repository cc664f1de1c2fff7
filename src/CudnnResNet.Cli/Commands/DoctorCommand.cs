using System.CommandLine;
using System.Runtime.InteropServices;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Cuda;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.OneDnn;
using CudnnResNet.Reporting;
using CudnnResNet.Scheduling;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cli.Commands;

/// <summary>A backend as doctor found it.</summary>
/// <param name="Name">As --device spells it.</param>
/// <param name="Available">It can be used.</param>
/// <param name="Version">Of its library.</param>
/// <param name="InstructionSet">The widest it uses.</param>
/// <param name="Precisions">What it computes in.</param>
/// <param name="Tried">Names and paths of its libraries, in the order tried.</param>
/// <param name="Reason">Why it cannot be used.</param>
/// <param name="Optional">Libraries that it does without where they are missing: a sentence each.</param>
internal sealed record BackendReport(string Name, bool Available, string? Version, string? InstructionSet,
    IReadOnlyList<string> Precisions, IReadOnlyList<string> Tried, string? Reason, IReadOnlyList<string> Optional);

/// <summary>This project's own kernels beside oneDNN's, as doctor found them.</summary>
internal sealed record CpuKernelsReport(bool Available, string? Version, IReadOnlyList<string> InstructionSets,
    IReadOnlyList<string> Tried, string? Reason);

/// <summary>What reads JPEG and PNG, as doctor found it.</summary>
/// <param name="DecodesParts">Parts of JPEG images alone are decoded, which is faster in training.</param>
internal sealed record ImagesReport(bool Available, bool DecodesParts, IReadOnlyList<string> Tried, string? Reason);

/// <summary>What doctor prints with --json.</summary>
internal sealed record DoctorReport(string Version, string Runtime, string System, string Processor, int Cores, long MemoryBytes,
    IReadOnlyList<string> InstructionSets, IReadOnlyList<BackendReport> Backends, CpuKernelsReport CpuKernels, ImagesReport Images, string DefaultDevice,
    string PlanCache, long PlanCacheBytes, IReadOnlyList<DataSetReport> DataSets, IReadOnlyList<string> Install);

/// <summary>Says what is there, what is missing, and what to do about it.</summary>
internal sealed class DoctorCommand(Terminal terminal)
{
    private readonly Option<bool> _json = Flag.Switch("--json", "Print one JSON object.");
    private readonly Option<string?> _nativePath = NativePathFlag.Create();

    public static Command Create(Terminal terminal)
    {
        DoctorCommand doctor = new(terminal);
        Command command = new("doctor", "Show backends, versions, instruction sets and caches, and what to install.");
        command.Add(doctor._nativePath);
        command.Add(doctor._json);
        command.SetAction(doctor.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        NativePathFlag.Apply(parsed, _nativePath);
        DoctorReport report = Examine();
        if (parsed.GetValue(_json))
            terminal.Output.WriteLine(Json.Text(report, Json.Default.DoctorReport));
        else
            Print(report);
        return CommandLine.Done;
    }

    private static DoctorReport Examine()
    {
        OneDnnProbe probe = OneDnnBackend.Probe();
        CudaProbe cuda = CudaProbe.Run();
        BackendReport[] backends =
        [
            new("onednn", probe.IsAvailable, probe.Version, probe.InstructionSet, !probe.IsAvailable ? [] : probe.ComputesBf16 ? ["fp32", "bf16"] : ["fp32"], probe.Tried, probe.Refusal, []),
            new("reference", true, Devices.OwnVersion, null, ["fp32", "fp64"], [], null, []),
            new("cuda", cuda.IsAvailable, CudaVersion(cuda), CudaDevices(cuda),
                cuda.IsAvailable ? [.. cuda.Devices[0].Precisions.Select(precision => precision.ShortName())] : [], cuda.Tried, cuda.Refusal,
                [.. cuda.Optional.Select(library => $"{library.Name} ({library.Use}): {library.Refusal ?? library.Version ?? "found"}")]),
        ];
        CpuKernelsProbe own = CpuKernelsProbe.Run();
        ImagingProbe images = ImagingProbe.Run();
        IReadOnlyList<DataSetReport> sets = KnownDataSets.Find();
        List<string> install = [];
        if (!probe.IsAvailable)
            install.Add($"{probe.Refusal} (the fast backend)");
        else if (!own.IsAvailable && RuntimeInformation.ProcessArchitecture == Architecture.X64)
            install.Add("apt-get install g++ cmake, then ./resnet setup (faster kernels)");
        if (!images.IsAvailable)
            install.Add($"{images.Refusal} (image files)");
        install.AddRange(sets.Where(set => !set.Found).Select(set => $"{set.Remedy} (data set {set.Name})"));
        return new DoctorReport(Devices.OwnVersion, $".NET {Devices.RuntimeVersion}", RuntimeInformation.OSDescription,
            Machine.Processor, Environment.ProcessorCount, Machine.MemoryBytes, Machine.InstructionSets, backends,
            new CpuKernelsReport(own.IsAvailable, own.Version, own.InstructionSets, own.Tried, own.Refusal),
            new ImagesReport(images.IsAvailable, images.DecodesParts, images.Tried, images.Refusal),
            cuda.IsAvailable && !cuda.Devices[0].IsSimulated ? "cuda" : probe.IsAvailable ? "onednn" : "reference", PlanCache.DefaultFolder, BytesIn(PlanCache.DefaultFolder), sets, install);
    }

    private static string? CudaVersion(CudaProbe probe) => probe.Versions is not { } versions ? null
        : $"driver {versions.Driver}, cuDNN {versions.Cudnn}, cuBLASLt {versions.CublasLt}, NVRTC {versions.Nvrtc}";

    /// <summary>For example <c>cuda:0 NVIDIA H200, sm_90, 139.8 GiB, 1980 MHz of 1980</c>.</summary>
    private static string? CudaDevices(CudaProbe probe) => probe.Devices.IsEmpty ? null
        : string.Join("; ", probe.Devices.Select(device => $"cuda:{device.Ordinal} {device.Name}, sm_{device.Architecture}, "
            + ByteSizes.Format(device.MemoryBytes) + (device.State is { } state
                ? $", {ByteSizes.Format(state.FreeBytes)} free, {state.ClockMegahertz} MHz of {state.FastestClockMegahertz}" : "")));

    private static long BytesIn(string folder) => Directory.Exists(folder)
        ? new DirectoryInfo(folder).EnumerateFiles().Sum(file => file.Length)
        : 0;

    private void Print(DoctorReport report)
    {
        TextWriter output = terminal.Output;
        output.WriteLine($"cudnnresnet  {report.Version} on {report.Runtime}, {report.System}");
        output.WriteLine($"processor    {report.Processor}, {report.Cores} cores, {ByteSizes.Format(report.MemoryBytes)} of memory");
        output.WriteLine($"             {string.Join(' ', report.InstructionSets)}");
        output.WriteLine($"plan cache   {report.PlanCache} ({ByteSizes.Format(report.PlanCacheBytes)})");
        output.WriteLine();
        output.WriteLine("backends");
        foreach (BackendReport backend in report.Backends)
        {
            string what = backend.Available
                ? string.Join(", ", ((string?[])[backend.Version, backend.InstructionSet, .. backend.Precisions]).OfType<string>())
                : $"missing: {backend.Reason}";
            string chosen = backend.Name == report.DefaultDevice ? "  <- --device auto" : "";
            output.WriteLine($"  {backend.Name,-10} {what}{chosen}");
            if (backend.Tried.Count > 0)
                output.WriteLine($"             tried {string.Join(", ", backend.Tried)}");
            foreach (string library in backend.Optional)
                output.WriteLine($"             {library}");
        }
        CpuKernelsReport own = report.CpuKernels;
        output.WriteLine($"  {"+ kernels",-10} {(own.Available ? $"{own.Version}, {string.Join(", ", own.InstructionSets)}" : $"missing: {own.Reason}")}");
        output.WriteLine();
        output.WriteLine($"images       {(report.Images.Available ? $"JPEG and PNG{(report.Images.DecodesParts ? ", parts of JPEG alone" : "")}" : $"missing: {report.Images.Reason}")}");
        output.WriteLine();
        output.WriteLine("data sets");
        foreach (DataSetReport set in report.DataSets)
            output.WriteLine($"  {set.Name,-21} {(set.Found ? set.Path : $"not found in {set.Path}")}");
        output.WriteLine();
        output.WriteLine(report.Install.Count == 0 ? "nothing to install" : "to install");
        foreach (string package in report.Install)
            output.WriteLine($"  {package}");
    }
}
