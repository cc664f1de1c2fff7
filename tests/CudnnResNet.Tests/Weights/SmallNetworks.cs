using CudnnResNet.Graph;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Weights;

/// <summary>Networks with weights whose batch norms are not the identity.</summary>
internal static class SmallNetworks
{
    public static Value[] Values(ResNetSpec spec) =>
        [.. ResNetGraph.Inference(spec, 1, 64, 64, Precision.Fp32).Values.Where(value => value.Role is ValueRole.Parameter or ValueRole.State)];

    /// <summary>float32, by the formula of the golden cases.</summary>
    public static NetworkWeights Draw(ResNetSpec spec) => new(Values(spec).ToDictionary(value => value.Name, value =>
    {
        long[] shape = [.. NetworkWeights.FileShape(value.Shape)];
        double[] values = GoldenFill.Parameter(value.Name, shape, "", spec.Depth, spec.Version == ResNetVersion.V2 ? "v2" : "v1.5", spec.Width);
        return NamedTensor.FromFloats(value.Name, shape, Array.ConvertAll(values, x => (float)x));
    }), "drawn");
}
