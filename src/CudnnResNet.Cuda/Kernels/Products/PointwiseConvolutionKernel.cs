using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Cuda.Kernels.Convolution;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Products;

/// <summary>
/// A 1x1 convolution of stride 1, or one of its gradients, as a matrix product by cuBLASLt: pixels are rows. A residual is
/// the product's addend, bias and ReLU are its epilogue; a filter's gradient comes in float32 from 16-bit factors.
/// </summary>
internal sealed class PointwiseConvolutionKernel(CudaSession session, ConvolutionPass pass, int rank) : Kernel
{
    private readonly Dictionary<string, (ConvolutionProblem? Convolution, MatrixProduct? Product, string? Refusal)> _known = new(StringComparer.Ordinal);

    public override string Name { get; } = $"cublaslt_{EngineConvolutionKernel.Words(pass)}_{rank}";

    public override KernelSupport Check(Problem problem) =>
        Find(problem).Refusal is { } refusal ? KernelSupport.No(refusal) : KernelSupport.Yes;

    public override long WorkspaceBytes(Problem problem) =>
        WorkspaceParts.Bytes(Find(problem).Product!.WorkspaceBytes, ConvertedBytes(problem, isPacked: false));

    public override long PackedBytes(Problem problem) => ConvertedBytes(problem, isPacked: true);

    public override LoadedKernel Load(Problem problem, KernelArguments arguments) => new Loaded(session, problem, Find(problem), arguments);

    /// <summary>Filters are rounded to the type of the activations; their gradients are not.</summary>
    private long ConvertedBytes(Problem problem, bool isPacked)
    {
        ConvolutionProblem convolution = Find(problem).Convolution!;
        return pass == ConvolutionPass.BackwardFilter || convolution.Type == convolution.Filter.Type
            || isPacked != EngineConvolutionKernel.IsPacked(problem, convolution)
            ? 0
            : convolution.Filter.Shape.Elements * convolution.Type.ByteSize();
    }

    private (ConvolutionProblem? Convolution, MatrixProduct? Product, string? Refusal) Find(Problem problem)
    {
        if (_known.TryGetValue(problem.Line, out (ConvolutionProblem?, MatrixProduct?, string?) known))
            return known;
        return _known[problem.Line] = Read(problem, out ConvolutionProblem? convolution) is { } refusal
            ? (null, null, refusal)
            : Create(convolution!);
    }

    private string? Read(Problem problem, out ConvolutionProblem? convolution)
    {
        if (ConvolutionProblem.Read(problem, pass, out convolution) is { } refusal)
            return refusal;
        return convolution!.Geometry is not { R: 1, S: 1, Stride: 1, Padding: 0 } ? "takes filters of 1 x 1, stride 1 and no padding"
            : convolution.Prologue is not null || convolution.Mask is not null ? "takes no prologue and no mask"
            : null;
    }

    /// <summary>All row-major, so that each product is formed transposed: y' = w x', dx' = w' dy', dw' = x' dy.</summary>
    private (ConvolutionProblem?, MatrixProduct?, string?) Create(ConvolutionProblem convolution)
    {
        (long c, long k) = (convolution.Geometry.C, convolution.Geometry.K);
        long pixels = convolution.X.Shape.Elements / c;
        DataType type = convolution.Type;
        Epilogue epilogue = new(convolution.Bias is not null, convolution.HasRelu, convolution.Residual is not null);
        using ContextScope scope = session.Device.Enter();
        try
        {
            MatrixProduct product = pass switch
            {
                ConvolutionPass.Forward => new MatrixProduct(session, new Factor(c, k, type, IsTransposed: true),
                    new Factor(c, pixels, type), new Factor(k, pixels, type), epilogue, rank),
                ConvolutionPass.BackwardData => new MatrixProduct(session, new Factor(c, k, type),
                    new Factor(k, pixels, type), new Factor(c, pixels, type), epilogue, rank),
                _ => new MatrixProduct(session, new Factor(c, pixels, type),
                    new Factor(k, pixels, type, IsTransposed: true), new Factor(c, k, convolution.Filter.Type), epilogue, rank),
            };
            session.Own(product);
            return (convolution, product, null);
        }
        catch (CublasLtException error)
        {
            return (null, null, error.Message);
        }
    }

    private sealed class Loaded : LibraryKernel
    {
        private readonly MatrixProduct _product;
        private readonly CUdeviceptr _a;
        private readonly CUdeviceptr _b;
        private readonly CUdeviceptr _d;
        private readonly CUdeviceptr _bias;
        private readonly CUdeviceptr _addend;
        private readonly CUdeviceptr _workspace;
        private readonly KernelLaunch? _convert;
        private readonly KernelLaunch? _pack;

        internal Loaded(CudaSession session, Problem problem,
            (ConvolutionProblem? Convolution, MatrixProduct? Product, string? Refusal) found, KernelArguments arguments) : base(session, problem, arguments)
        {
            ConvolutionProblem convolution = found.Convolution!;
            _product = found.Product!;
            WorkspaceParts workspace = new(arguments.AddressOf(arguments.Workspace));
            _workspace = workspace.Take(_product.WorkspaceBytes);
            CUdeviceptr Of(Value value) => arguments.AddressOf(arguments[value.Id]);
            CUdeviceptr filter = Of(convolution.Filter);
            if (convolution.Pass == ConvolutionPass.BackwardFilter)
            {
                (_a, _b, _d) = (Of(convolution.X), Of(convolution.Y), filter);
                return;
            }
            if (convolution.Type != convolution.Filter.Type)
            {
                bool isPacked = EngineConvolutionKernel.IsPacked(problem, convolution);
                long elements = convolution.Filter.Shape.Elements;
                CUdeviceptr converted = isPacked ? arguments.AddressOf(arguments.Packed)
                    : workspace.Take(elements * convolution.Type.ByteSize());
                KernelLaunch cast = session.Casts.Create(convolution.Filter.Type, filter, convolution.Type, converted, elements);
                (_pack, _convert) = isPacked ? (cast, (KernelLaunch?)null) : (null, cast);
                filter = converted;
            }
            (Value from, Value to) = convolution.Pass == ConvolutionPass.Forward ? (convolution.X, convolution.Y) : (convolution.Y, convolution.X);
            (_a, _b, _d) = (filter, Of(from), Of(to));
            _bias = convolution.Bias is { } bias ? Of(bias) : default;
            _addend = convolution.Residual is { } residual ? Of(residual) : default;
        }

        protected override void Pack() => _pack?.Run(Device.Stream);

        protected override void EnqueueLibrary()
        {
            _convert?.Run(Device.Stream);
            _product.Run(_a, _b, _d, _bias, _addend, _workspace);
        }

        protected override void Release()
        {
            _convert?.Dispose();
            _pack?.Dispose();
            base.Release();
        }
    }
}
