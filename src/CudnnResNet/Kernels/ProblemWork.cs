using CudnnResNet.Graph;

namespace CudnnResNet.Kernels;

/// <summary>What a problem asks for, whichever kernel does it.</summary>
public static class ProblemWork
{
    /// <summary>Bytes that must pass: every input once and every output once, what is updated in place twice.</summary>
    public static long Bytes(Problem problem)
    {
        long bytes = 0;
        foreach (ValueId id in problem.Inputs)
            bytes += problem[id].Bytes;
        foreach (ValueId id in problem.Outputs)
            bytes += problem[id].Bytes;
        foreach (Node node in problem.Nodes)
            if (node.Operation is SgdUpdate)
                bytes += problem[node.Inputs[0]].Bytes + problem[node.Inputs[2]].Bytes;
        return bytes;
    }

    /// <summary>Multiplications and additions of convolutions and matrix products, as usually counted; 0 for all else.</summary>
    public static long FloatingPointOperations(Problem problem)
    {
        long operations = 0;
        foreach (Node node in problem.Nodes)
        {
            long images = problem[node.Inputs[0]].Shape.N;
            operations += 2 * images * node.Operation switch
            {
                ConvolutionForward convolution => convolution.Geometry.MultiplyAdds,
                ConvolutionBackwardData convolution => convolution.Geometry.MultiplyAdds,
                ConvolutionBackwardFilter convolution => convolution.Geometry.MultiplyAdds,
                Linear linear => (long)linear.InFeatures * linear.OutFeatures,
                LinearBackwardData linear => (long)linear.InFeatures * linear.OutFeatures,
                LinearBackwardFilter linear => (long)linear.InFeatures * linear.OutFeatures,
                _ => 0,
            };
        }

        return operations;
    }
}
