using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Cuda.Kernels.Convolution;
using CudnnResNet.Cuda.Kernels.Own;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Fused;

/// <summary>
/// A convolution that sums its results and their squares by channel while it writes them, then batch norm, add and ReLU
/// in one pass: the statistics cost no pass of their own. Beside bf16 the sums see the results before they are rounded.
/// </summary>
/// <param name="session">Whose engines are asked.</param>
/// <param name="rank">0 for the best guess.</param>
/// <param name="isPadded">Of 16-bit images whose few channels are padded to a vector.</param>
internal sealed class ConvolutionStatisticsKernel(CudaSession session, int rank, bool isPadded = false)
    : FusedEngineKernel(session, isPadded ? "cudnn_conv_statistics_padded" : "cudnn_conv_statistics", rank)
{
    private const int Sums = 0;
    private const int Squares = 1;
    private const int SpareMean = 2;
    private const int SpareDeviation = 3;
    private const int ConvertedFilter = 4;
    private const int PaddedImages = 5;

    protected override string? Refusal(Problem problem)
    {
        if (problem.Operations is not [ConvolutionForward, BatchNormTraining, ..] || problem.Nodes[0].Inputs.Length != 2
            || !problem.IsMaterialised(problem.Nodes[0].Outputs[0]) || !ChainTail.FollowsAlone(problem, head: 1))
            return "takes a convolution without bias whose result is kept, bn_train, then add and relu in this order";
        Value x = problem.Input(0, 0);
        if (isPadded && (x.Type == DataType.Float32 || x.Shape.C >= ConvolutionProblem.VectorChannels))
            return $"pads 16-bit images of fewer than {ConvolutionProblem.VectorChannels} channels";
        return OwnKernel.RefusalOf(x.Type);
    }

    protected override long[] PartBytes(Problem problem)
    {
        Value x = problem.Input(0, 0), filter = problem.Input(0, 1);
        long vector = problem.Output(0, 0).Shape.C * sizeof(float);
        return [vector, vector, vector, vector, x.Type == filter.Type ? 0 : Seen(filter).Elements * x.Type.ByteSize(),
            isPadded ? Seen(x).Elements * x.Type.ByteSize() : 0];
    }

    protected override void Build(Problem problem, OperationGraph graph)
    {
        Value x = problem.Input(0, 0), filter = problem.Input(0, 1), y = problem.Output(0, 0);
        GraphTensor w = x.Type == filter.Type ? graph.Of(filter) : graph.Part(ConvertedFilter, Seen(filter), x.Type);
        GraphTensor images = isPadded ? graph.Part(PaddedImages, Seen(x), x.Type) : graph.Of(x);
        TensorShape vector = TensorShape.Vector(y.Shape.C);
        GraphTensor sums = graph.Part(Sums, vector, DataType.Float32), squares = graph.Part(Squares, vector, DataType.Float32);
        ConvolutionGeometry geometry = ((ConvolutionForward)problem.Operations[0]).Geometry with { C = Seen(x).C };
        if (x.Type == DataType.BFloat16)
        {
            // GenStats takes no bf16: it gets what is in registers.
            GraphTensor wide = graph.Virtual(y.Shape);
            graph.Convolution(ConvolutionPass.Forward, geometry, images, w, wide);
            graph.Pointwise(cudnnPointwiseMode_t.CUDNN_POINTWISE_IDENTITY, wide, null, graph.Of(y));
            graph.ChannelSums(wide, sums, squares);
            return;
        }
        graph.Convolution(ConvolutionPass.Forward, geometry, images, w, graph.Of(y));
        graph.ChannelSums(graph.Of(y), sums, squares);
    }

    protected override IEnumerable<KernelLaunch> Before(Problem problem, Memory memory)
    {
        Value x = problem.Input(0, 0), filter = problem.Input(0, 1);
        if (isPadded)
        {
            yield return Pad(x, PaddedImages);
            yield return Pad(filter, ConvertedFilter);
        }
        else if (x.Type != filter.Type)
            yield return Session.Casts.Create(filter.Type, memory.Of(filter.Id), x.Type, memory.Part(ConvertedFilter), filter.Shape.Elements);

        KernelLaunch Pad(Value value, int part) => Session.Casts.CreatePadded(value.Type, memory.Of(value.Id), value.Shape.C,
            x.Type, memory.Part(part), ConvolutionProblem.VectorChannels, value.Shape.Elements / value.Shape.C);
    }

    /// <summary>Images and filter as the engine sees them.</summary>
    private TensorShape Seen(Value value)
    {
        TensorShape shape = value.Shape;
        return isPadded ? TensorShape.Nhwc(shape.D0, shape.D1, shape.D2, ConvolutionProblem.VectorChannels) : shape;
    }

    protected override IEnumerable<KernelLaunch> After(Problem problem, Memory memory)
    {
        Value y = problem.Output(0, 0);
        BatchNormTraining norm = (BatchNormTraining)problem.Operations[1];
        Node node = problem.Nodes[1];
        long rows = y.Shape.Elements / y.Shape.C;
        CUdeviceptr mean = memory.OfOr(node.Outputs[1], SpareMean), deviation = memory.OfOr(node.Outputs[2], SpareDeviation);
        yield return Session.Launch("batch_norm.cu", "batch_norm_finish_sums", new Grid((y.Shape.C + 255) / 256),
            [memory.Part(Sums), memory.Part(Squares), mean, deviation, memory.Of(node.Inputs[3]), memory.Of(node.Inputs[4]), rows,
                y.Shape.C, (float)norm.Epsilon, (float)norm.Momentum]);
        List<LaunchArgument> apply = [memory.Of(y.Id)];
        string entry = "affine" + ChainTail.Append(problem, memory.Of, apply, head: 1);
        apply.Add(memory.Of(problem.Nodes[^1].Outputs[0]));
        apply.Add(LaunchArgument.Of(new ChannelAffine(memory.Of(node.Inputs[1]), memory.Of(node.Inputs[2]), mean, deviation, default, 0)));
        apply.Add(rows);
        apply.Add(y.Shape.C);
        yield return Session.Launch("pointwise.cu", $"{entry}_{y.Type.ShortName()}", y.Shape.Elements * y.Type.ByteSize() / 16,
            CollectionsMarshal.AsSpan(apply));
    }
}
