using CudnnResNet.Compilation;
using CudnnResNet.Kernels;
using CudnnResNet.Reporting;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cli;

/// <summary>A backend that was chosen, and how to compile for it.</summary>
internal sealed record Device(
    IBackend Backend, Precision Precision, CompilerOptions Compiler, IReadOnlyList<NamedValue> Libraries) : IDisposable
{
    /// <summary>For example <c>onednn, fp32, 2 threads</c>.</summary>
    public string Description =>
        $"{Backend.Name}, {Precision.ShortName()}, {Backend.Threads} thread{(Backend.Threads == 1 ? "" : "s")}";

    public void Dispose() => Backend.Dispose();
}
