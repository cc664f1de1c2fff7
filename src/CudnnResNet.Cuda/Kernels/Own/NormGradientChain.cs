using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>
/// A chain [add] [relu_bwd | norm_relu_bwd] bn_bwd [add], in which at most the gradient that reaches the norm is written
/// beside the results.
/// </summary>
/// <param name="Norm">The bn_bwd.</param>
/// <param name="Dy">The gradient that comes in.</param>
/// <param name="Other">What is added to it first.</param>
/// <param name="Result">The ReLU's result, where it tells the mask.</param>
/// <param name="Beta">Of the norm, where the mask is computed from it.</param>
/// <param name="Written">The gradient that reaches the norm, where it is written.</param>
/// <param name="Joined">What is added to the norm's input gradient.</param>
internal sealed record NormGradientChain(
    Node Norm, ValueId Dy, ValueId? Other, ValueId? Result, ValueId? Beta, ValueId? Written, ValueId? Joined)
{
    /// <summary>Null where the problem is no such chain.</summary>
    internal static NormGradientChain? Of(Problem problem)
    {
        int norm = 0;
        ValueId? other = null, result = null, beta = null;
        if (problem.Operations[norm] is Add)
        {
            if (problem.Nodes[norm].Inputs[0] == problem.Nodes[norm].Inputs[1])
                return null;
            other = problem.Nodes[norm++].Inputs[1];
        }
        if (norm < problem.Nodes.Length && problem.Operations[norm] is ReluBackward)
            result = problem.Nodes[norm++].Inputs[1];
        else if (norm < problem.Nodes.Length && problem.Operations[norm] is NormReluBackward)
            beta = problem.Nodes[norm++].Inputs[3];
        if (norm >= problem.Nodes.Length || problem.Operations[norm] is not BatchNormBackward
            || (beta is not null && !ReadsWhatTheNormReads(problem.Nodes[norm - 1], problem.Nodes[norm])))
            return null;
        for (int i = 0; i < norm - 1; i++)
            if (problem.IsMaterialised(problem.Nodes[i].Outputs[0]))
                return null;
        ValueId? written = norm > 0 && problem.IsMaterialised(problem.Nodes[norm - 1].Outputs[0])
            ? problem.Nodes[norm - 1].Outputs[0]
            : null;
        ValueId? joined = null;
        if (norm + 1 < problem.Nodes.Length)
        {
            ValueId dx = problem.Nodes[norm].Outputs[0];
            Node add = problem.Nodes[norm + 1];
            if (norm + 2 < problem.Nodes.Length || problem.Operations[norm + 1] is not Add || problem.IsMaterialised(dx)
                || add.Inputs[0] == add.Inputs[1])
                return null;
            joined = add.Inputs.Single(id => id != dx);
        }
        return new NormGradientChain(problem.Nodes[norm], problem.Nodes[0].Inputs[0], other, result, beta, written, joined);
    }

    /// <summary>x, gamma and the saved statistics are those of the norm whose gradient follows.</summary>
    internal static bool ReadsWhatTheNormReads(Node mask, Node norm) => mask.Inputs[1] == norm.Inputs[1]
        && mask.Inputs[2] == norm.Inputs[2] && mask.Inputs[4] == norm.Inputs[3] && mask.Inputs[5] == norm.Inputs[4];
}
