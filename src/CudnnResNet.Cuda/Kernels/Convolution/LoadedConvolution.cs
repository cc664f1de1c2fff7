using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Convolution;

/// <summary>
/// An engine's convolution bound to memory, with the casts of its filter where the engine wants another type, and copies of
/// images and filter where it wants more channels.
/// </summary>
internal sealed class LoadedConvolution : LibraryKernel, IKeepsEngine
{
    private readonly string _key;
    private readonly EngineRun _run;
    private readonly KernelLaunch? _convertBefore;
    private readonly KernelLaunch? _convertAfter;
    private readonly KernelLaunch? _pack;
    private readonly KernelLaunch? _pad;

    internal LoadedConvolution(CudaSession session, ConvolutionProblem convolution, Problem problem, KernelArguments arguments,
        DataType filterType, long workspaceBytes, Func<EnginePlan?> next, string key) : base(session, problem, arguments)
    {
        _key = key;
        WorkspaceParts workspace = new(arguments.AddressOf(arguments.Workspace));
        CUdeviceptr ofEngine = workspace.Take(workspaceBytes);
        CUdeviceptr converted = default;
        if (convolution.IsConverted(filterType))
        {
            CUdeviceptr filter = arguments.AddressOf(arguments[convolution.Filter.Id]);
            bool isPacked = EngineConvolutionKernel.IsPacked(problem, convolution);
            converted = isPacked ? arguments.AddressOf(arguments.Packed) : workspace.Take(convolution.FilterShape.Elements * filterType.ByteSize());
            KernelLaunch conversion = Conversion(session, convolution, filterType, filter, converted);
            if (convolution.Pass == ConvolutionPass.BackwardFilter)
                _convertAfter = conversion;
            else if (isPacked)
                _pack = conversion;
            else
                _convertBefore = conversion;
        }
        CUdeviceptr images = default;
        if (convolution.PaddedChannels > 0)
        {
            images = workspace.Take(PaddedBytes(convolution));
            TensorShape x = convolution.X.Shape;
            _pad = session.Casts.CreatePadded(convolution.Type, arguments.AddressOf(arguments[convolution.X.Id]), x.C,
                convolution.Type, images, convolution.PaddedChannels, x.Elements / x.C);
        }
        using ContextScope scope = Device.Enter();
        _run = new EngineRun(session, problem.Line, next, session.Engines.Bindings(key),
            binding => binding.Value is { } value ? arguments.AddressOf(arguments[value])
                : binding.Part == ConvolutionProblem.PaddedImages ? images : converted, ofEngine, workspaceBytes);
    }

    /// <summary>The images with more channels; 0 where they are read as they are.</summary>
    internal static long PaddedBytes(ConvolutionProblem convolution) =>
        convolution.PaddedChannels == 0 ? 0 : convolution.ImageShape.Elements * convolution.Type.ByteSize();

    public void KeepEngine() => Session.Engines.Keep(_key, _run.Plan);

    /// <summary>Of the filter into the engine's type and channels; of its gradient back from there.</summary>
    private static KernelLaunch Conversion(CudaSession session, ConvolutionProblem convolution, DataType filterType,
        CUdeviceptr filter, CUdeviceptr converted)
    {
        (DataType type, int channels, int padded) = (convolution.Filter.Type, convolution.Filter.Shape.C, convolution.FilterShape.C);
        long elements = convolution.Filter.Shape.Elements;
        bool isGradient = convolution.Pass == ConvolutionPass.BackwardFilter;
        if (convolution.PaddedChannels > 0)
            return isGradient ? session.Casts.CreatePadded(filterType, converted, padded, type, filter, channels, elements / channels)
                : session.Casts.CreatePadded(type, filter, channels, filterType, converted, padded, elements / channels);
        return isGradient ? session.Casts.Create(filterType, converted, type, filter, elements)
            : session.Casts.Create(type, filter, filterType, converted, elements);
    }

    protected override void Pack() => _pack?.Run(Device.Stream);

    protected override void EnqueueLibrary()
    {
        _convertBefore?.Run(Device.Stream);
        _pad?.Run(Device.Stream);
        _run.Enqueue();
        _convertAfter?.Run(Device.Stream);
    }

    protected override void Release()
    {
        _run.Dispose();
        _convertBefore?.Dispose();
        _convertAfter?.Dispose();
        _pack?.Dispose();
        _pad?.Dispose();
        base.Release();
    }
}
