using CudnnResNet.Kernels;
using CudnnResNet.OneDnn;
using CudnnResNet.Reference;

namespace CudnnResNet.Tests;

/// <summary>The backends that tests run on, by name.</summary>
internal static class TestBackends
{
    public static IBackend Create(string name) => name switch
    {
        "reference" => new ReferenceBackend(Environment.ProcessorCount),
        "cuda" => Cuda.DeviceUnderTest.Create(),
        "onednn" => new OneDnnBackend(Environment.ProcessorCount),
        _ => throw new ArgumentException($"No backend is called '{name}'."),
    };
}
