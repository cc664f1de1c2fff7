using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.OneDnn.Kernels;

/// <summary>The addresses behind a kernel's arguments.</summary>
internal readonly unsafe struct OperandAddresses(KernelArguments arguments)
{
    private readonly NativeArena _arena = arguments.Arena as NativeArena
        ?? throw new ArgumentException($"The onednn backend was given a {arguments.Arena.GetType().Name} of another backend.");

    internal byte* this[ValueId id] => _arena.Address(arguments[id]);

    internal float* Floats(ValueId id) => (float*)this[id];

    /// <summary>Null for a result that stays inside the kernel.</summary>
    internal float* FloatsOrNull(ValueId id) => arguments[id].Bytes == 0 ? null : Floats(id);

    internal byte* Workspace(long offsetBytes = 0) => At(arguments.Workspace, offsetBytes);

    internal byte* Packed(long offsetBytes = 0) => At(arguments.Packed, offsetBytes);

    private byte* At(Region region, long offsetBytes) => _arena.Address(region) + offsetBytes;
}
