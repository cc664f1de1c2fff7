using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Convolution;

/// <summary>
/// A problem that one convolution engine can be asked to take: a product, and for the forward pass what follows it up
/// to the one value that is written.
/// </summary>
/// <param name="Pass">Which product.</param>
/// <param name="Geometry">Of the forward convolution.</param>
/// <param name="X">Images, or their gradient.</param>
/// <param name="Filter">In the parameters' type, as it lies in memory; or its gradient.</param>
/// <param name="Y">Result of everything, or the gradient of the forward result.</param>
/// <param name="Bias">One number a channel; null without.</param>
/// <param name="Residual">What is added before the ReLU; null without.</param>
/// <param name="HasRelu">Ends in a ReLU.</param>
internal sealed record ConvolutionProblem(ConvolutionPass Pass, ConvolutionGeometry Geometry,
    Value X, Value Filter, Value Y, Value? Bias, Value? Residual, bool HasRelu)
{
    /// <summary>The type of the products' factors.</summary>
    internal DataType Type => X.Type;

    internal bool IsFused => Bias is not null || Residual is not null || HasRelu;

    internal static string? Read(Problem problem, ConvolutionPass pass, out ConvolutionProblem? convolution)
    {
        convolution = null;
        string wanted = pass switch
        {
            ConvolutionPass.Forward => "takes a forward convolution, then bias, add and ReLU in this order",
            ConvolutionPass.BackwardData => "takes conv_bwd_data alone",
            _ => "takes conv_bwd_filter alone",
        };
        DataType type = problem.Input(0, OperationTable.Of(problem.Operations[0]).ChainInput).Type;
        if (type is not (DataType.Float32 or DataType.BFloat16 or DataType.Float16))
            return $"takes float32, bf16 and f16, not {type.ShortName()}";
        switch (problem.Operations[0])
        {
            case ConvolutionForward forward when pass == ConvolutionPass.Forward:
                return Forward(problem, forward.Geometry, out convolution) ? null : wanted;
            case ConvolutionBackwardData backward when pass == ConvolutionPass.BackwardData && problem.Nodes.Length == 1:
                convolution = new(pass, backward.Geometry, problem.Output(0, 0), problem.Input(0, 1), problem.Input(0, 0), null, null, false);
                return null;
            case ConvolutionBackwardFilter backward when pass == ConvolutionPass.BackwardFilter && problem.Nodes.Length == 1:
                convolution = new(pass, backward.Geometry, problem.Input(0, 0), problem.Output(0, 0), problem.Input(0, 1), null, null, false);
                return null;
            default:
                return wanted;
        }
    }

    private static bool Forward(Problem problem, ConvolutionGeometry geometry, out ConvolutionProblem? convolution)
    {
        convolution = null;
        Value? residual = null;
        bool hasRelu = false;
        for (int i = 1; i < problem.Nodes.Length; i++)
        {
            if (problem.IsMaterialised(problem.Nodes[i - 1].Outputs[0]))
                return false;
            switch (problem.Operations[i])
            {
                case Add when residual is null && !hasRelu:
                    ValueId chain = problem.Nodes[i - 1].Outputs[0];
                    ValueId other = problem.Nodes[i].Inputs.Single(id => id != chain);
                    residual = problem[other];
                    break;
                case Relu when !hasRelu:
                    hasRelu = true;
                    break;
                default:
                    return false;
            }
        }
        convolution = new(ConvolutionPass.Forward, geometry, problem.Input(0, 0), problem.Input(0, 1),
            problem.Output(problem.Nodes.Length - 1, 0), problem.Nodes[0].Inputs.Length == 3 ? problem.Input(0, 2) : null, residual, hasRelu);
        return true;
    }

    /// <summary>Tensors get their ids in the order x, filter, y, bias, residual.</summary>
    /// <param name="graph">Where to.</param>
    /// <param name="filterType">What the engine reads or writes as filter.</param>
    internal void Build(OperationGraph graph, DataType filterType)
    {
        GraphTensor x = graph.Tensor(X.Shape, X.Type);
        GraphTensor w = graph.Tensor(Filter.Shape, filterType);
        GraphTensor y = graph.Tensor(Y.Shape, Y.Type);
        GraphTensor? bias = Bias is { } b ? graph.Channels(Geometry.K, b.Type) : null;
        GraphTensor? residual = Residual is { } r ? graph.Tensor(r.Shape, r.Type) : null;
        int remaining = (bias is null ? 0 : 1) + (residual is null ? 0 : 1) + (HasRelu ? 1 : 0);
        GraphTensor current = Next();
        graph.Convolution(Pass, Geometry, x, w, current);
        if (bias is { } added)
            Apply(cudnnPointwiseMode_t.CUDNN_POINTWISE_ADD, added);
        if (residual is { } joined)
            Apply(cudnnPointwiseMode_t.CUDNN_POINTWISE_ADD, joined);
        if (HasRelu)
            Apply(cudnnPointwiseMode_t.CUDNN_POINTWISE_RELU_FWD, null);

        void Apply(cudnnPointwiseMode_t mode, GraphTensor? operand)
        {
            remaining--;
            GraphTensor next = Next();
            graph.Pointwise(mode, current, operand, next);
            current = next;
        }

        // What is between stays in registers, in float32.
        GraphTensor Next() => remaining == 0 ? y : graph.Tensor(Y.Shape, DataType.Float32, isVirtual: true);
    }
}
