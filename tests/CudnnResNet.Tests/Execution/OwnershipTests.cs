using CudnnResNet.Autodiff;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Execution;

/// <summary>Memory has an owner also where something fails half-way.</summary>
public class OwnershipTests
{
    [Fact]
    public void ASessionThatCannotBeMadeGivesItsMemoryBack()
    {
        using BrittleBackend backend = new() { FailsToWrite = true };
        ResNetSpec spec = new() { Depth = 18, Width = 2, Classes = 3, InputChannels = 1, Stem = ResNetStem.Cifar };
        // The loss scale is written when the session is made.
        StepOptions step = new(new SgdOptions(0.9, 0) { LossScaling = new LossScaling() });
        ResNetException error = Assert.Throws<ResNetException>(() => TrainingSession.Create(spec, 2, 8, 8, Precision.Fp32, step, backend, GoldenNetwork.Untuned));
        Assert.Equal("the device is gone", error.Message);
        Assert.Equal(0, backend.LivingArenas);
    }

    [Fact]
    public void AnArenaThatCannotBeClearedStaysInThePool()
    {
        using BrittleBackend backend = new();
        using (ArenaPool pool = new(backend))
        {
            pool.Return(pool.Rent(1000, clearBytes: 0));
            backend.FailsToWrite = true;
            _ = Assert.Throws<ResNetException>(() => pool.Rent(1000, clearBytes: 1000));
            Assert.Equal(0, pool.RentedBytes);
            Assert.Equal(1000, pool.FreeBytes);
            Assert.Equal(1, backend.LivingArenas);
        }
        Assert.Equal(0, backend.LivingArenas);
    }
}
