using CudnnResNet.Compilation;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Training;

namespace CudnnResNet.Cli;

/// <summary>What --batch says: a number, or the largest that the device's memory holds.</summary>
/// <param name="Images">Null is the largest.</param>
internal sealed record BatchSize(int? Images)
{
    /// <summary>Runs what allocates; where memory is short, the error says which batch would fit.</summary>
    /// <param name="batch">That it runs with.</param>
    /// <param name="graphOf">The graph of a batch.</param>
    /// <param name="device">Whose memory it is.</param>
    /// <param name="allocate">What to run.</param>
    public static T WithAdvice<T>(int batch, Func<int, LayerGraph> graphOf, Device device, Func<T> allocate)
    {
        try
        {
            return allocate();
        }
        catch (MemoryShortageException shortage)
        {
            int largest = BatchFit.Largest(graphOf, device.Backend, device.Compiler);
            throw new ResNetException($"The plan of batch {batch} takes {shortage.AskedBytes / 1e6:F0} MB, and the device has "
                + $"{shortage.FreeBytes / 1e6:F0} MB free: the largest batch that fits is {largest} (--batch auto finds it).", shortage);
        }
    }

    public int On(Device device, Func<int, LayerGraph> graphOf) =>
        Images ?? BatchFit.Largest(graphOf, device.Backend, device.Compiler);

    /// <summary>The graph of a training step.</summary>
    public static Func<int, LayerGraph> StepGraphs(ResNetSpec spec, int height, int width, StepOptions step, Device device) =>
        batch => TrainingSession.StepGraph(spec, batch, height, width, device.Precision, step, device.Backend);

    /// <summary>The graph of an inference.</summary>
    public static Func<int, LayerGraph> InferenceGraphs(ResNetSpec spec, int height, int width, Device device) =>
        batch => BatchNormFolding.Apply(ResNetGraph.Inference(spec, batch, height, width, device.Precision)).Graph;
}
