using CudnnResNet.Graph;

namespace CudnnResNet.Autodiff;

/// <summary>What the forward pass must leave in memory for the backward pass.</summary>
public static class KeptActivations
{
    /// <summary>
    /// Bytes of the values that the forward pass computes and the backward pass reads: activations, saved statistics,
    /// positions of maxima.
    /// </summary>
    /// <param name="forward">A training graph before differentiation.</param>
    /// <param name="loss">Its loss.</param>
    public static long Bytes(LayerGraph forward, ValueId loss)
    {
        LayerGraph backward = BackwardGraph.OfLoss(forward, loss);
        HashSet<ValueId> computed = [.. forward.Nodes.SelectMany(node => node.Outputs)];
        HashSet<ValueId> read = [.. backward.Nodes.Skip(forward.Nodes.Length).SelectMany(node => node.Inputs)];
        return computed.Where(read.Contains).Sum(id => forward[id].Bytes);
    }
}
