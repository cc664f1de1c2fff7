using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Cuda.Kernels.Convolution;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>
/// Convolutions, the linear layer and their gradients by convolution.cu: the last entry, which asks no library and takes
/// every legal shape.
/// </summary>
internal sealed class ProductKernel(CudaSession session) : OwnKernel(session)
{
    private const string Program = "convolution.cu";

    /// <summary>Rows and columns of the tile of results that a block forms.</summary>
    private const int Tile = 64;

    /// <summary>Pixels that a share of a filter gradient adds up at least.</summary>
    private const int FewestPixels = 1024;

    private const int MostSplits = 64;

    public override string Name => "product";

    public override long WorkspaceBytes(Problem problem) => Read(problem) is { IsSplit: true } product
        ? WorkspaceParts.Bytes(product.Splits(Session.Device.Multiprocessors) * product.FilterBytes)
        : 0;

    protected override string? Refusal(Problem problem) => problem.Nodes.Length != 1 || Read(problem) is null
        ? "takes a convolution, a linear layer or one of their gradients alone"
        : null;

    protected override KernelLaunch[] Launches(Problem problem, Operands at)
    {
        Product product = Read(problem)!;
        int splits = product.IsSplit ? product.Splits(Session.Device.Multiprocessors) : 1;
        CUdeviceptr partial = splits > 1 ? at.Workspace.Take(splits * product.FilterBytes) : default;
        return [.. Launches(Session, problem, product, at, splits, partial)];
    }

    /// <summary>
    /// What a library's kernel for <paramref name="problem"/> would have done, without any workspace; null where the own
    /// kernels cannot. A forward convolution may be followed by add and ReLU.
    /// </summary>
    internal static KernelLaunch[]? Instead(CudaSession session, Problem problem, KernelArguments arguments)
    {
        if (Read(problem) is not { } product)
            return null;
        Operands at = new(problem, arguments);
        List<KernelLaunch> launches = [];
        if (problem.Nodes.Length == 1)
            launches.AddRange(Launches(session, problem, product, at, splits: 1, partial: default));
        else
        {
            if (ConvolutionProblem.Read(problem, ConvolutionPass.Forward, out ConvolutionProblem? fused) is not null)
                return null;
            CUdeviceptr y = at.Of(fused!.Y.Id);
            long elements = fused.Y.Shape.Elements, items = elements * fused.Y.Type.ByteSize() / 16;
            string type = fused.Y.Type.ShortName();
            launches.Add(Forward(session, problem, product, at, y));
            if (fused.Residual is { } residual)
                launches.Add(session.Launch("pointwise.cu", $"add{(fused.HasRelu ? "_relu" : "")}_{type}", items, [y, at.Of(residual.Id), y, elements]));
            else if (fused.HasRelu)
                launches.Add(session.Launch("pointwise.cu", $"relu_{type}", items, [y, y, elements]));
        }
        return [.. launches];
    }

    private static IEnumerable<KernelLaunch> Launches(
        CudaSession session, Problem problem, Product product, Operands at, int splits, CUdeviceptr partial)
    {
        CUdeviceptr first = at.Input(0, 0), second = at.Input(0, 1), result = at.Output(0, 0);
        LaunchArgument shape = LaunchArgument.Of(product.Shape);
        switch (problem.Operations[0])
        {
            case ConvolutionForward or Linear:
                yield return Forward(session, problem, product, at, result);
                break;
            case ConvolutionBackwardData or LinearBackwardData:
                yield return session.Launch(Program, product.Entry("backward_data"), product.Items, [first, second, result, shape]);
                break;
            default:
                yield return session.Launch(Program, product.Entry("backward_filter"), splits * product.Items,
                    [first, second, splits > 1 ? partial : result, shape, splits]);
                if (splits > 1)
                    yield return session.Launch(Program, "sum_splits", product.FilterBytes / 16,
                        [partial, result, product.FilterBytes / sizeof(float), splits]);
                break;
        }
    }

    private static KernelLaunch Forward(CudaSession session, Problem problem, Product product, Operands at, CUdeviceptr y)
    {
        CUdeviceptr bias = problem.Nodes[0].Inputs.Length == 3 ? at.Input(0, 2) : default;
        return session.Launch(Program, product.Entry("forward"), product.Items,
            [at.Input(0, 0), at.Input(0, 1), bias, y, LaunchArgument.Of(product.Shape)]);
    }

    /// <summary>The first node as a product; null where it is none, or not in types that the kernels have.</summary>
    private static Product? Read(Problem problem)
    {
        Value first = problem.Input(0, 0);
        Product? product = problem.Operations[0] switch
        {
            ConvolutionForward f => new("conv", first.Type, ProductShape.Of(first.Shape.N, f.Geometry), ProductSide.Y),
            ConvolutionBackwardData b => new("conv", first.Type, ProductShape.Of(first.Shape.N, b.Geometry), ProductSide.X),
            ConvolutionBackwardFilter b => new("conv", first.Type, ProductShape.Of(first.Shape.N, b.Geometry), ProductSide.Filter),
            Linear l => new("linear", first.Type, ProductShape.Of(first.Shape.D0, l.InFeatures, l.OutFeatures), ProductSide.Y),
            LinearBackwardData l => new("linear", l.ActivationType, ProductShape.Of(first.Shape.D0, l.InFeatures, l.OutFeatures), ProductSide.X),
            LinearBackwardFilter l => new("linear", l.ActivationType, ProductShape.Of(first.Shape.D0, l.InFeatures, l.OutFeatures), ProductSide.Filter),
            _ => null,
        };
        return product is not null && RefusalOf(product.Type) is null ? product : null;
    }

    private enum ProductSide
    {
        Y,
        X,
        Filter,
    }

    /// <summary>The structure Convolution of convolution.cu.</summary>
    private readonly record struct ProductShape(int N, int H, int W, int C, int K, int R, int S, int Stride, int Padding, int P, int Q)
    {
        internal static ProductShape Of(int n, ConvolutionGeometry g) => new(n, g.H, g.W, g.C, g.K, g.R, g.S, g.Stride, g.Padding, g.P, g.Q);

        internal static ProductShape Of(int n, int inFeatures, int outFeatures) => new(n, 1, 1, inFeatures, outFeatures, 1, 1, 1, 0, 1, 1);
    }

    /// <param name="Kind">The kernels' first word.</param>
    /// <param name="Type">Of the activations.</param>
    /// <param name="Shape">As the kernels take it.</param>
    /// <param name="Result">What is computed.</param>
    private sealed record Product(string Kind, DataType Type, ProductShape Shape, ProductSide Result)
    {
        internal bool IsSplit => Result == ProductSide.Filter;

        internal long FilterBytes => (long)Shape.K * Shape.R * Shape.S * Shape.C * sizeof(float);

        /// <summary>Threads for one block a tile of results.</summary>
        internal long Items
        {
            get
            {
                (long rows, long columns) = Result switch
                {
                    ProductSide.Y => ((long)Shape.N * Shape.P * Shape.Q, (long)Shape.K),
                    ProductSide.X => ((long)Shape.N * Shape.H * Shape.W, Shape.C),
                    _ => (Shape.K, (long)Shape.R * Shape.S * Shape.C),
                };
                return (rows + Tile - 1) / Tile * ((columns + Tile - 1) / Tile) * CudaSession.Threads;
            }
        }

        /// <summary>Shares of the pixels: as many as give each multiprocessor two blocks.</summary>
        internal int Splits(int multiprocessors)
        {
            long pixels = (long)Shape.N * Shape.P * Shape.Q;
            return (int)Math.Clamp(Math.Min(2L * multiprocessors * CudaSession.Threads / Items, pixels / FewestPixels), 1, MostSplits);
        }

        internal string Entry(string pass) => $"{Kind}_{pass}_{Type.ShortName()}";
    }
}
