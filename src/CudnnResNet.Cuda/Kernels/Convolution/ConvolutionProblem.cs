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
internal sealed record ConvolutionProblem(ConvolutionPass Pass, ConvolutionGeometry Geometry, Value X, Value Filter, Value Y)
{
    /// <summary>Scale and bias of each channel of X, then ReLU, before the product; null without.</summary>
    internal (Value Scale, Value Bias)? Prologue { get; init; }

    /// <summary>One number a channel behind the product; null without.</summary>
    internal Value? Bias { get; init; }

    /// <summary>What is added before the ReLU or its mask; null without.</summary>
    internal Value? Residual { get; init; }

    /// <summary>The forward result of the ReLU whose gradient ends the chain; null without.</summary>
    internal Value? Mask { get; init; }

    /// <summary>Ends in a ReLU.</summary>
    internal bool HasRelu { get; init; }

    /// <summary>The type of the products' factors.</summary>
    internal DataType Type => X.Type;

    /// <summary>
    /// Images and filter have zeros as further channels in the kernel's own memory, so that engines take them which want whole
    /// 16-byte vectors: the three colours of a stem. 0 leaves them as they are.
    /// </summary>
    internal int PaddedChannels { get; init; }

    /// <summary>As the engine sees the images.</summary>
    internal TensorShape ImageShape => PaddedChannels == 0 ? X.Shape : TensorShape.Nhwc(X.Shape.N, X.Shape.H, X.Shape.W, PaddedChannels);

    /// <summary>As the engine sees the filter.</summary>
    internal TensorShape FilterShape => PaddedChannels == 0 ? Filter.Shape : TensorShape.Krsc(Geometry.K, Geometry.R, Geometry.S, PaddedChannels);

    /// <summary>The engine reads or writes another filter than that which lies in memory.</summary>
    internal bool IsConverted(DataType filterType) => filterType != Filter.Type || PaddedChannels != 0;

    internal bool IsFused => Prologue is not null || Bias is not null || Residual is not null || Mask is not null || HasRelu;

    /// <summary>What the product forms of the operands that lie in memory: y, or dx.</summary>
    private Value Result => Pass == ConvolutionPass.BackwardData ? X : Y;

    internal static string? Read(Problem problem, ConvolutionPass pass, out ConvolutionProblem? convolution)
    {
        convolution = null;
        DataType type = problem.Input(0, OperationTable.Of(problem.Operations[0]).ChainInput).Type;
        if (type is not (DataType.Float32 or DataType.BFloat16 or DataType.Float16))
            return $"takes float32, bf16 and f16, not {type.ShortName()}";
        if (problem.Nodes[^1].Outputs.IsEmpty)
            return "takes no chain that ends in an update";
        int first = problem.Operations is [ScaleBias, Relu, ConvolutionForward, ..] ? 2 : 0;
        ConvolutionProblem? head = problem.Operations[first] switch
        {
            ConvolutionForward forward when pass == ConvolutionPass.Forward => new(pass, forward.Geometry,
                problem.Input(0, 0), problem.Input(first, 1), problem.Output(problem.Nodes.Length - 1, 0))
            {
                Prologue = first == 0 ? null : (problem.Input(0, 1), problem.Input(0, 2)),
                Bias = problem.Nodes[first].Inputs.Length == 3 ? problem.Input(first, 2) : null,
            },
            ConvolutionBackwardData backward when pass == ConvolutionPass.BackwardData => new(pass, backward.Geometry,
                problem.Output(problem.Nodes.Length - 1, 0), problem.Input(0, 1), problem.Input(0, 0)),
            ConvolutionBackwardFilter backward when pass == ConvolutionPass.BackwardFilter && problem.Nodes.Length == 1 =>
                new(pass, backward.Geometry, problem.Input(0, 0), problem.Output(0, 0), problem.Input(0, 1)),
            _ => null,
        };
        if (head is not null && (convolution = WithTail(head, problem, first)) is not null)
            return null;
        return pass switch
        {
            ConvolutionPass.Forward => "takes scale_bias and ReLU, a forward convolution, then bias, add and ReLU in this order",
            ConvolutionPass.BackwardData => "takes conv_bwd_data, then add and relu_bwd in this order",
            _ => "takes conv_bwd_filter alone",
        };
    }

    /// <summary>Null where something else follows the product, or what is between is written.</summary>
    private static ConvolutionProblem? WithTail(ConvolutionProblem head, Problem problem, int first)
    {
        for (int i = 0; i < problem.Nodes.Length - 1; i++)
            if (problem.IsMaterialised(problem.Nodes[i].Outputs[0]))
                return null;
        ConvolutionProblem result = head;
        for (int i = first + 1; i < problem.Nodes.Length; i++)
        {
            bool isLast = i == problem.Nodes.Length - 1;
            ValueId chain = problem.Nodes[i - 1].Outputs[0];
            switch (problem.Operations[i])
            {
                case Add when i == first + 1 && problem.Nodes[i].Inputs[0] != problem.Nodes[i].Inputs[1]:
                    result = result with { Residual = problem[problem.Nodes[i].Inputs.Single(id => id != chain)] };
                    break;
                case Relu when isLast && head.Pass == ConvolutionPass.Forward:
                    result = result with { HasRelu = true };
                    break;
                case ReluBackward when isLast && head.Pass == ConvolutionPass.BackwardData:
                    result = result with { Mask = problem.Input(i, 1) };
                    break;
                default:
                    return null;
            }
        }
        return result;
    }

    /// <summary>The number of the filter in the engine's type among the kernel's own memory.</summary>
    internal const int ConvertedFilter = 0;

    /// <summary>That of the images with further channels.</summary>
    internal const int PaddedImages = 1;

    /// <summary>Why more channels would be no use; null where they may be.</summary>
    internal string? PaddingRefusal => Pass == ConvolutionPass.BackwardData || Prologue is not null ? "pads images that are read as they lie in memory"
        : Type is DataType.Float32 ? "pads 16-bit images"
        : X.Shape.C >= VectorChannels ? $"pads images of fewer than {VectorChannels} channels" : null;

    /// <summary>Of 16 bits in a vector of 16 bytes.</summary>
    internal const int VectorChannels = 8;

    /// <param name="graph">Where to.</param>
    /// <param name="filterType">What the engine reads or writes as filter.</param>
    internal void Build(OperationGraph graph, DataType filterType)
    {
        GraphTensor w = filterType == Filter.Type && PaddedChannels == 0 ? graph.Of(Filter) : graph.Part(ConvertedFilter, FilterShape, filterType);
        ConvolutionGeometry seen = PaddedChannels == 0 ? Geometry : Geometry with { C = PaddedChannels };
        GraphTensor x = Pass == ConvolutionPass.BackwardData ? default : Normalised(graph);
        GraphTensor y = Pass == ConvolutionPass.Forward ? default : graph.Of(Y);
        int remaining = (Bias is null ? 0 : 1) + (Residual is null ? 0 : 1) + (HasRelu || Mask is not null ? 1 : 0);
        GraphTensor current = Pass == ConvolutionPass.BackwardFilter ? w : Next();
        switch (Pass)
        {
            case ConvolutionPass.Forward:
                graph.Convolution(Pass, seen, x, w, current);
                break;
            case ConvolutionPass.BackwardData:
                graph.Convolution(Pass, seen, current, w, y);
                break;
            default:
                graph.Convolution(Pass, seen, x, w, y);
                return;
        }
        if (Bias is { } added)
            Apply(cudnnPointwiseMode_t.CUDNN_POINTWISE_ADD, graph.Of(added));
        if (Residual is { } joined)
            Apply(cudnnPointwiseMode_t.CUDNN_POINTWISE_ADD, graph.Of(joined));
        if (HasRelu)
            Apply(cudnnPointwiseMode_t.CUDNN_POINTWISE_RELU_FWD, null);
        if (Mask is { } mask)
        {
            remaining--;
            graph.ReluBackward(current, graph.Of(mask), Next());
        }

        void Apply(cudnnPointwiseMode_t mode, GraphTensor? operand)
        {
            remaining--;
            GraphTensor next = Next();
            graph.Pointwise(mode, current, operand, next);
            current = next;
        }

        // What is between stays in registers, in float32.
        GraphTensor Next() => remaining == 0 ? graph.Of(Result) : graph.Virtual(Result.Shape);
    }

    /// <summary>X, or what the prologue makes of it: rounded to the type of the factors only before the product.</summary>
    private GraphTensor Normalised(OperationGraph graph)
    {
        GraphTensor x = PaddedChannels == 0 ? graph.Of(X) : graph.Part(PaddedImages, ImageShape, Type);
        if (Prologue is not { } prologue)
            return x;
        GraphTensor scaled = graph.Virtual(X.Shape), shifted = graph.Virtual(X.Shape), rectified = graph.Virtual(X.Shape, X.Type);
        graph.Pointwise(cudnnPointwiseMode_t.CUDNN_POINTWISE_MUL, x, graph.Of(prologue.Scale), scaled);
        graph.Pointwise(cudnnPointwiseMode_t.CUDNN_POINTWISE_ADD, scaled, graph.Of(prologue.Bias), shifted);
        graph.Pointwise(cudnnPointwiseMode_t.CUDNN_POINTWISE_RELU_FWD, shifted, null, rectified);
        return rectified;
    }
}
