using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Convolution;

/// <summary>An engine's convolution bound to memory, with the casts of its filter where the engine wants another type.</summary>
internal sealed class LoadedConvolution : LibraryKernel, IKeepsEngine
{
    private readonly string _key;
    private readonly EngineRun _run;
    private readonly KernelLaunch? _convertBefore;
    private readonly KernelLaunch? _convertAfter;
    private readonly KernelLaunch? _pack;

    internal LoadedConvolution(CudaSession session, ConvolutionProblem convolution, Problem problem, KernelArguments arguments,
        DataType filterType, long workspaceBytes, Func<EnginePlan?> next, string key) : base(session, problem, arguments)
    {
        _key = key;
        WorkspaceParts workspace = new(arguments.AddressOf(arguments.Workspace));
        CUdeviceptr ofEngine = workspace.Take(workspaceBytes);
        CUdeviceptr converted = default;
        if (filterType != convolution.Filter.Type)
        {
            CUdeviceptr filter = arguments.AddressOf(arguments[convolution.Filter.Id]);
            long elements = convolution.Filter.Shape.Elements;
            bool isPacked = EngineConvolutionKernel.IsPacked(problem, convolution);
            converted = isPacked ? arguments.AddressOf(arguments.Packed) : workspace.Take(elements * filterType.ByteSize());
            if (convolution.Pass == ConvolutionPass.BackwardFilter)
                _convertAfter = session.Casts.Create(filterType, converted, convolution.Filter.Type, filter, elements);
            else if (isPacked)
                _pack = session.Casts.Create(convolution.Filter.Type, filter, filterType, converted, elements);
            else
                _convertBefore = session.Casts.Create(convolution.Filter.Type, filter, filterType, converted, elements);
        }
        using ContextScope scope = Device.Enter();
        _run = new EngineRun(session, problem.Line, next, session.Engines.Bindings(key),
            binding => binding.Value is { } value ? arguments.AddressOf(arguments[value]) : converted, ofEngine, workspaceBytes);
    }

    public void KeepEngine() => Session.Engines.Keep(_key, _run.Plan);

    protected override void Pack() => _pack?.Run(Device.Stream);

    protected override void EnqueueLibrary()
    {
        _convertBefore?.Run(Device.Stream);
        _run.Enqueue();
        _convertAfter?.Run(Device.Stream);
    }

    protected override void Release()
    {
        _run.Dispose();
        _convertBefore?.Dispose();
        _convertAfter?.Dispose();
        _pack?.Dispose();
        base.Release();
    }
}
