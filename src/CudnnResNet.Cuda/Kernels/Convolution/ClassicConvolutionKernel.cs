using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Convolution;

/// <summary>
/// A convolution by cuDNN's API before graphs, alone and by the algorithm that it prefers within the workspace limit:
/// it takes shapes that no engine takes.
/// </summary>
internal sealed class ClassicConvolutionKernel(CudaSession session, ConvolutionPass pass) : Kernel
{
    private readonly Dictionary<string, ClassicConvolution> _known = new(StringComparer.Ordinal);

    public override string Name { get; } = $"cudnn_classic_{EngineConvolutionKernel.Words(pass)}";

    public override KernelSupport Check(Problem problem)
    {
        if (ConvolutionProblem.Read(problem, pass, out ConvolutionProblem? convolution) is { } refusal)
            return KernelSupport.No(refusal);
        if (convolution!.IsFused)
            return KernelSupport.No("takes a convolution alone");
        try
        {
            Find(problem);
            return KernelSupport.Yes;
        }
        catch (CudnnException error)
        {
            return KernelSupport.No(error.Message);
        }
    }

    public override long WorkspaceBytes(Problem problem)
    {
        ClassicConvolution classic = Find(problem);
        return WorkspaceParts.Bytes(classic.WorkspaceBytes, ConvertedBytes(problem, classic, isPacked: false));
    }

    public override long PackedBytes(Problem problem) => ConvertedBytes(problem, Find(problem), isPacked: true);

    public override bool RoundsToActivationType(Problem problem, ValueId output)
    {
        ConvolutionProblem convolution = Find(problem).Problem;
        return output == convolution.Filter.Id && convolution.Type != convolution.Filter.Type;
    }

    public override LoadedKernel Load(Problem problem, KernelArguments arguments) => new Loaded(session, problem, Find(problem), arguments);

    private ClassicConvolution Find(Problem problem)
    {
        if (_known.TryGetValue(problem.Line, out ClassicConvolution? known))
            return known;
        ConvolutionProblem.Read(problem, pass, out ConvolutionProblem? convolution);
        using ContextScope scope = session.Device.Enter();
        ClassicConvolution created = new(session, convolution!);
        session.Own(created);
        _known.Add(problem.Line, created);
        return created;
    }

    private static long ConvertedBytes(Problem problem, ClassicConvolution classic, bool isPacked)
    {
        ConvolutionProblem convolution = classic.Problem;
        return convolution.Type == convolution.Filter.Type || isPacked != EngineConvolutionKernel.IsPacked(problem, convolution)
            ? 0
            : convolution.Filter.Shape.Elements * convolution.Type.ByteSize();
    }

    private sealed class Loaded : LibraryKernel
    {
        private readonly ClassicConvolution _classic;
        private readonly CUdeviceptr _x;
        private readonly CUdeviceptr _w;
        private readonly CUdeviceptr _y;
        private readonly CUdeviceptr _workspace;
        private readonly KernelLaunch? _convertBefore;
        private readonly KernelLaunch? _convertAfter;
        private readonly KernelLaunch? _pack;

        internal Loaded(CudaSession session, Problem problem, ClassicConvolution classic, KernelArguments arguments)
            : base(session, problem, arguments)
        {
            _classic = classic;
            ConvolutionProblem convolution = classic.Problem;
            WorkspaceParts workspace = new(arguments.AddressOf(arguments.Workspace));
            _workspace = workspace.Take(classic.WorkspaceBytes);
            _x = arguments.AddressOf(arguments[convolution.X.Id]);
            _y = arguments.AddressOf(arguments[convolution.Y.Id]);
            CUdeviceptr filter = arguments.AddressOf(arguments[convolution.Filter.Id]);
            _w = filter;
            if (convolution.Type == convolution.Filter.Type)
                return;
            long elements = convolution.Filter.Shape.Elements;
            bool isPacked = EngineConvolutionKernel.IsPacked(problem, convolution);
            _w = isPacked ? arguments.AddressOf(arguments.Packed) : workspace.Take(elements * convolution.Type.ByteSize());
            if (convolution.Pass == ConvolutionPass.BackwardFilter)
                _convertAfter = session.Casts.Create(convolution.Type, _w, convolution.Filter.Type, filter, elements);
            else if (isPacked)
                _pack = session.Casts.Create(convolution.Filter.Type, filter, convolution.Type, _w, elements);
            else
                _convertBefore = session.Casts.Create(convolution.Filter.Type, filter, convolution.Type, _w, elements);
        }

        protected override void Pack() => _pack?.Run(Device.Stream);

        protected override void EnqueueLibrary()
        {
            _convertBefore?.Run(Device.Stream);
            _classic.Run(_x, _w, _y, _workspace);
            _convertAfter?.Run(Device.Stream);
        }

        protected override void Release()
        {
            _convertBefore?.Dispose();
            _convertAfter?.Dispose();
            _pack?.Dispose();
            base.Release();
        }
    }
}
