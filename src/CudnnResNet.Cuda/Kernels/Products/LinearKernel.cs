using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Products;

/// <summary>
/// The linear layer and its gradients by cuBLASLt. Beside 16-bit activations the weight is rounded to their type first;
/// gradients are then formed in float32, because dy keeps its precision.
/// </summary>
internal sealed class LinearKernel(CudaSession session, int rank) : Kernel
{
    private readonly Dictionary<string, (MatrixProduct? Product, string? Refusal)> _known = new(StringComparer.Ordinal);

    public override string Name { get; } = $"cublaslt_linear_{rank}";

    public override KernelSupport Check(Problem problem)
    {
        if (problem.Nodes.Length != 1 || problem.Operations[0] is not (Linear or LinearBackwardData or LinearBackwardFilter))
            return KernelSupport.No("takes a linear layer or one of its gradients alone");
        if (TypeOf(problem) is not (DataType.Float32 or DataType.BFloat16 or DataType.Float16))
            return KernelSupport.No($"takes float32, bf16 and f16, not {TypeOf(problem).ShortName()}");
        return Find(problem).Refusal is { } refusal ? KernelSupport.No(refusal) : KernelSupport.Yes;
    }

    public override long WorkspaceBytes(Problem problem)
    {
        (long first, long second, long third) = ConvertedBytes(problem);
        return WorkspaceParts.Bytes(Find(problem).Product!.WorkspaceBytes, first, second, third);
    }

    public override LoadedKernel Load(Problem problem, KernelArguments arguments) => new Loaded(session, problem, Find(problem).Product!, arguments);

    /// <summary>The type of the activations.</summary>
    private static DataType TypeOf(Problem problem) => problem.Operations[0] switch
    {
        LinearBackwardData data => data.ActivationType,
        LinearBackwardFilter filter => filter.ActivationType,
        _ => problem.Input(0, 0).Type,
    };

    /// <summary>Converted operands beside 16-bit activations, in the order in which <see cref="Loaded"/> takes them.</summary>
    private static (long First, long Second, long Third) ConvertedBytes(Problem problem)
    {
        DataType type = TypeOf(problem);
        return type == DataType.Float32 ? (0, 0, 0) : problem.Operations[0] switch
        {
            Linear l => (Weights(l.InFeatures, l.OutFeatures) * type.ByteSize(), 0, 0),
            LinearBackwardData l => (Weights(l.InFeatures, l.OutFeatures) * type.ByteSize(),
                Weights(l.InFeatures, l.OutFeatures) * sizeof(float), problem.Output(0, 0).Shape.Elements * sizeof(float)),
            _ => (problem.Input(0, 0).Shape.Elements * sizeof(float), 0, 0),
        };
    }

    private static long Weights(int inFeatures, int outFeatures) => (long)inFeatures * outFeatures;

    private (MatrixProduct? Product, string? Refusal) Find(Problem problem)
    {
        if (_known.TryGetValue(problem.Line, out (MatrixProduct?, string?) known))
            return known;
        using ContextScope scope = session.Device.Enter();
        try
        {
            MatrixProduct product = Create(problem);
            session.Own(product);
            return _known[problem.Line] = (product, null);
        }
        catch (CublasLtException error)
        {
            return _known[problem.Line] = (null, error.Message);
        }
    }

    /// <summary>All row-major, so that each product is formed transposed: y' = w x', dx' = w' dy', dw' = x' dy.</summary>
    private MatrixProduct Create(Problem problem)
    {
        DataType type = TypeOf(problem);
        switch (problem.Operations[0])
        {
            case Linear l:
                long n = problem.Input(0, 0).Shape.D0;
                return new MatrixProduct(session, new Factor(l.InFeatures, l.OutFeatures, type, IsTransposed: true),
                    new Factor(l.InFeatures, n, type), new Factor(l.OutFeatures, n, DataType.Float32), new Epilogue(HasBias: true), rank);
            case LinearBackwardData l:
                n = problem.Input(0, 0).Shape.D0;
                return new MatrixProduct(session, new Factor(l.InFeatures, l.OutFeatures, DataType.Float32),
                    new Factor(l.OutFeatures, n, DataType.Float32), new Factor(l.InFeatures, n, DataType.Float32), new Epilogue(HasBias: false), rank);
            default:
                LinearBackwardFilter f = (LinearBackwardFilter)problem.Operations[0];
                n = problem.Input(0, 0).Shape.D0;
                return new MatrixProduct(session, new Factor(f.InFeatures, n, DataType.Float32),
                    new Factor(f.OutFeatures, n, DataType.Float32, IsTransposed: true),
                    new Factor(f.InFeatures, f.OutFeatures, DataType.Float32), new Epilogue(HasBias: false), rank);
        }
    }

    private sealed class Loaded : LibraryKernel
    {
        private readonly MatrixProduct _product;
        private readonly List<KernelLaunch> _before = [];
        private readonly List<KernelLaunch> _after = [];
        private readonly CUdeviceptr _a;
        private readonly CUdeviceptr _b;
        private readonly CUdeviceptr _d;
        private readonly CUdeviceptr _bias;
        private readonly CUdeviceptr _workspace;

        internal Loaded(CudaSession session, Problem problem, MatrixProduct product, KernelArguments arguments)
            : base(session, problem, arguments)
        {
            _product = product;
            DataType type = TypeOf(problem);
            bool converts = type != DataType.Float32;
            (long firstBytes, long secondBytes, long thirdBytes) = ConvertedBytes(problem);
            WorkspaceParts workspace = new(arguments.AddressOf(arguments.Workspace));
            _workspace = workspace.Take(product.WorkspaceBytes);
            CUdeviceptr first = workspace.Take(firstBytes), second = workspace.Take(secondBytes), third = workspace.Take(thirdBytes);
            CUdeviceptr In(int slot) => arguments.AddressOf(arguments[problem.Input(0, slot).Id]);
            CUdeviceptr result = arguments.AddressOf(arguments[problem.Output(0, 0).Id]);
            switch (problem.Operations[0])
            {
                case Linear l:
                    (_a, _b, _d, _bias) = (converts ? first : In(1), In(0), result, In(2));
                    if (converts)
                        _before.Add(session.Casts.Create(DataType.Float32, In(1), type, first, Weights(l.InFeatures, l.OutFeatures)));
                    break;
                case LinearBackwardData l:
                    (_a, _b, _d) = (In(1), In(0), result);
                    if (!converts)
                        break;
                    (_a, _d) = (second, third);
                    long weights = Weights(l.InFeatures, l.OutFeatures);
                    _before.Add(session.Casts.Create(DataType.Float32, In(1), type, first, weights));
                    _before.Add(session.Casts.Create(type, first, DataType.Float32, second, weights));
                    _after.Add(session.Casts.Create(DataType.Float32, third, type, result, problem.Output(0, 0).Shape.Elements));
                    break;
                default:
                    (_a, _b, _d) = (converts ? first : In(0), In(1), result);
                    if (converts)
                        _before.Add(session.Casts.Create(type, In(0), DataType.Float32, first, problem.Input(0, 0).Shape.Elements));
                    break;
            }
        }

        protected override void EnqueueLibrary()
        {
            foreach (KernelLaunch launch in _before)
                launch.Run(Device.Stream);
            _product.Run(_a, _b, _d, _bias, addend: default, _workspace);
            foreach (KernelLaunch launch in _after)
                launch.Run(Device.Stream);
        }

        protected override void Release()
        {
            foreach (KernelLaunch launch in _before.Concat(_after))
                launch.Dispose();
            base.Release();
        }
    }
}
