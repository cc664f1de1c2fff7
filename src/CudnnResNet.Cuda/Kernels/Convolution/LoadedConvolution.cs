using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Convolution;

/// <summary>
/// An engine bound to memory. What it refuses at its first run, the next engine that fits into the same workspace does;
/// the reason is kept.
/// </summary>
internal sealed class LoadedConvolution : LibraryKernel
{
    private readonly Func<EnginePlan?> _next;
    private readonly long[] _ids;
    private readonly CUdeviceptr[] _addresses;
    private readonly CUdeviceptr _workspace;
    private readonly long _workspaceBytes;
    private readonly KernelLaunch? _convertBefore;
    private readonly KernelLaunch? _convertAfter;
    private readonly KernelLaunch? _pack;
    private EnginePlan _plan;
    private CudnnBackendDescriptor _variantPack;
    private bool _hasRun;

    internal LoadedConvolution(CudaSession session, ConvolutionProblem convolution, Problem problem,
        KernelArguments arguments, DataType filterType, Func<EnginePlan?> next) : base(session, problem, arguments)
    {
        _next = next;
        _plan = next() ?? throw new InvalidOperationException($"No engine for '{problem}'.");
        WorkspaceParts workspace = new(arguments.AddressOf(arguments.Workspace));
        _workspaceBytes = _plan.WorkspaceBytes;
        _workspace = workspace.Take(_workspaceBytes);
        CUdeviceptr filter = Of(convolution.Filter);
        if (filterType != convolution.Filter.Type)
        {
            long elements = convolution.Filter.Shape.Elements;
            bool isPacked = EngineConvolutionKernel.IsPacked(problem, convolution);
            CUdeviceptr converted = isPacked ? arguments.AddressOf(arguments.Packed)
                : workspace.Take(elements * filterType.ByteSize());
            if (convolution.Pass == ConvolutionPass.BackwardFilter)
                _convertAfter = session.Casts.Create(filterType, converted, convolution.Filter.Type, filter, elements);
            else if (isPacked)
                _pack = session.Casts.Create(convolution.Filter.Type, filter, filterType, converted, elements);
            else
                _convertBefore = session.Casts.Create(convolution.Filter.Type, filter, filterType, converted, elements);
            filter = converted;
        }
        List<CUdeviceptr> addresses = [Of(convolution.X), filter, Of(convolution.Y)];
        if (convolution.Bias is { } bias)
            addresses.Add(Of(bias));
        if (convolution.Residual is { } residual)
            addresses.Add(Of(residual));
        _addresses = [.. addresses];
        _ids = [.. Enumerable.Range(1, addresses.Count).Select(id => (long)id)];
        using ContextScope scope = Device.Enter();
        _variantPack = EnginePlan.Bind(_ids, _addresses, _workspace);

        CUdeviceptr Of(Value value) => arguments.AddressOf(arguments[value.Id]);
    }

    protected override void Pack() => _pack?.Run(Device.Stream);

    protected override void EnqueueLibrary()
    {
        _convertBefore?.Run(Device.Stream);
        if (_hasRun)
            Cudnn.cudnnBackendExecute(Session.Cudnn, _plan.Descriptor, _variantPack).ThrowIfFailed();
        else
            RunFirst();
        _convertAfter?.Run(Device.Stream);
    }

    protected override void Release()
    {
        _variantPack.Dispose();
        _convertBefore?.Dispose();
        _convertAfter?.Dispose();
        _pack?.Dispose();
        base.Release();
    }

    private void RunFirst()
    {
        CudnnException? first = null;
        while (true)
        {
            cudnnStatus_t status = Cudnn.cudnnBackendExecute(Session.Cudnn, _plan.Descriptor, _variantPack);
            if (status == cudnnStatus_t.CUDNN_STATUS_SUCCESS)
            {
                _hasRun = true;
                return;
            }
            CudnnException error = new($"cudnnBackendExecute({_plan.Tag}) for '{Problem.Line}'", status);
            first ??= error;
            Session.Refuse(error.Message);
            EnginePlan? next;
            do
                next = _next();
            while (next is not null && next.WorkspaceBytes > _workspaceBytes);
            _plan = next ?? throw first;
            _variantPack.Dispose();
            _variantPack = EnginePlan.Bind(_ids, _addresses, _workspace);
        }
    }
}
