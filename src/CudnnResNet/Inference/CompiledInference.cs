using CudnnResNet.Compilation;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;

namespace CudnnResNet.Inference;

/// <summary>A network that serves, compiled for one size, before it has memory.</summary>
/// <param name="Spec">The network.</param>
/// <param name="Network">As it was trained.</param>
/// <param name="Folded">Without its batch norms.</param>
/// <param name="Plan">Of the folded network.</param>
internal sealed record CompiledInference(ResNetSpec Spec, LayerGraph Network, FoldedGraph Folded, CompiledGraph Plan)
{
    public static CompiledInference Of(ResNetSpec spec, int batch, int height, int width, Precision precision,
        IBackend backend, CompilerOptions options)
    {
        LayerGraph network = ResNetGraph.Inference(spec, batch, height, width, precision);
        FoldedGraph folded = BatchNormFolding.Apply(network);
        return new CompiledInference(spec, network, folded,
            Compiler.Compile(folded.Graph, backend, options with { ConstantWeights = true }));
    }

    /// <exception cref="ResNetException">A batch is too large to be passed to a session.</exception>
    public void RequireSpans()
    {
        _ = Network.Find(ResNetGraph.Images).Shape.SpanLength();
        _ = Network.Find(ResNetGraph.Logits).Shape.SpanLength();
    }
}
