using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>An entry that launches kernels of native/kernels, one after the other.</summary>
internal abstract class OwnKernel(CudaSession session) : Kernel
{
    protected CudaSession Session => session;

    public sealed override KernelSupport Check(Problem problem) =>
        Refusal(problem) is { } refusal ? KernelSupport.No(refusal) : KernelSupport.Yes;

    public sealed override LoadedKernel Load(Problem problem, KernelArguments arguments) =>
        new Loaded(session.Device, Launches(problem, new Operands(problem, arguments)), []);

    /// <summary>Why the kernel does not take the problem; null where it does.</summary>
    protected abstract string? Refusal(Problem problem);

    /// <summary>What to launch, in order.</summary>
    protected abstract KernelLaunch[] Launches(Problem problem, Operands at);

    /// <summary>Kernels have instances for these activations.</summary>
    internal static string? RefusalOf(DataType type) => type is DataType.Float32 or DataType.BFloat16 or DataType.Float16
        ? null
        : $"takes float32, bf16 and f16, not {type.ShortName()}";

    /// <summary>Where a problem's operands lie.</summary>
    protected readonly struct Operands(Problem problem, KernelArguments arguments)
    {
        internal CUdeviceptr Input(int node, int slot) => Of(problem.Nodes[node].Inputs[slot]);

        internal CUdeviceptr Output(int node, int slot) => Of(problem.Nodes[node].Outputs[slot]);

        internal CUdeviceptr Of(ValueId id) => arguments.AddressOf(arguments[id]);

        /// <summary>Null where the value is not written.</summary>
        internal CUdeviceptr OfWritten(ValueId id) => problem.IsMaterialised(id) ? Of(id) : default;

        internal WorkspaceParts Workspace => new(arguments.AddressOf(arguments.Workspace));
    }

    /// <summary>Launches on the device's stream, and what else they need for as long as they live.</summary>
    protected sealed class Loaded(CudaDevice device, KernelLaunch[] launches, IDisposable[] owned) : DeviceKernel(device)
    {
        protected override void Enqueue()
        {
            foreach (KernelLaunch launch in launches)
                launch.Run(Device.Stream);
        }

        protected override void Release()
        {
            foreach (KernelLaunch launch in launches)
                launch.Dispose();
            foreach (IDisposable item in owned)
                item.Dispose();
        }
    }
}
