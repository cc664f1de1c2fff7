using BenchmarkDotNet.Attributes;
using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.OneDnn;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Benchmarks;

/// <summary>
/// A step of a network so small that arithmetic hardly counts (ResNet-50 with one channel, images of 8 x 8, batch 2):
/// what calling some 400 kernels costs. The column Allocated must read zero.
/// </summary>
[MemoryDiagnoser]
[ShortRunJob]
public class StepOverheadBenchmarks
{
    private readonly int[] _labels = [0, 1];
    private IBackend _backend = null!;
    private TrainingSession _session = null!;
    private float[] _images = [];

    [Params("reference", "onednn")]
    public string Backend { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        _backend = Backend == "onednn" ? new OneDnnBackend(1) : new ReferenceBackend(1);
        ResNetSpec spec = new() { Width = 1, Stem = ResNetStem.Cifar, Classes = 2 };
        _session = TrainingSession.Create(spec, 2, 8, 8, Precision.Fp32, new StepOptions(new SgdOptions(0.9, 1e-4)),
            _backend, new CompilerOptions { Tune = false, PlanCacheFolder = null });
        _session.LoadWeights(WeightInitialization.Create(_session.WeightValues, 1));
        _images = new float[_session.ImageElements];
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _session.Dispose();
        _backend.Dispose();
    }

    [Benchmark]
    public double Step() => _session.Step(_images, _labels, 0.01);
}
