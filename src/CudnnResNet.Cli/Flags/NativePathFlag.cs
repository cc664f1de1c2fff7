using System.CommandLine;
using CudnnResNet.Cuda;
using CudnnResNet.OneDnn;

namespace CudnnResNet.Cli.Flags;

/// <summary>The folder in which native libraries are looked for first.</summary>
internal static class NativePathFlag
{
    public static Option<string?> Create() => Flag.Text("--native-path", "DIR",
        "A folder that is searched for native libraries (CUDA, cuDNN, oneDNN) before all others.");

    /// <summary>Before the first probe: a library that is loaded stays.</summary>
    public static void Apply(ParseResult parsed, Option<string?> option)
    {
        if (parsed.GetValue(option) is not { } folder)
            return;
        CudaProbe.NativePath = folder;
        OneDnnBackend.NativePath = folder;
    }
}
