using CudnnResNet.Cuda.Interop;
using static CudnnResNet.Cuda.Interop.cudnnBackendAttributeName_t;
using static CudnnResNet.Cuda.Interop.cudnnBackendDescriptorType_t;

namespace CudnnResNet.Cuda.Engines;

/// <summary>An engine ready to run. One plan serves any number of bindings to memory, on one thread.</summary>
internal sealed class EnginePlan : IDisposable
{
    private readonly EngineConfig? _config;

    private EnginePlan(EngineConfig? config, CudnnBackendDescriptor descriptor, long workspaceBytes)
    {
        _config = config;
        Descriptor = descriptor;
        WorkspaceBytes = workspaceBytes;
    }

    internal CudnnBackendDescriptor Descriptor { get; }

    internal long WorkspaceBytes { get; }

    internal string Tag => _config?.Tag ?? "an engine of an earlier run";

    /// <summary>Takes ownership of <paramref name="config"/> unless it throws.</summary>
    internal static EnginePlan Create(EngineConfig config, CudnnHandle handle)
    {
        CudnnBackendDescriptor plan = DescriptorAttributes.Create(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
        try
        {
            plan.Set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, handle);
            plan.Set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config.Descriptor);
            plan.FinalizeDescriptor($"execution plan {config.Tag}");
            return new EnginePlan(config, plan, plan.GetInt64(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE));
        }
        catch
        {
            plan.Dispose();
            throw;
        }
    }

    /// <summary>An engine from what <see cref="ToText"/> gave; another version of cuDNN or another device refuses it.</summary>
    internal static EnginePlan Restore(byte[] text, CudnnHandle handle)
    {
        CudnnBackendDescriptor plan = DescriptorAttributes.Create(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
        try
        {
            plan.Set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, handle);
            plan.SetText(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, text);
            plan.FinalizeDescriptor("kept execution plan");
            return new EnginePlan(config: null, plan, plan.GetInt64(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE));
        }
        catch
        {
            plan.Dispose();
            throw;
        }
    }

    /// <summary>The plan in cuDNN's own text; null where it has none for this engine.</summary>
    internal byte[]? ToText()
    {
        try
        {
            return Descriptor.GetText(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION);
        }
        catch (CudnnException)
        {
            return null;
        }
    }

    /// <summary>A variant pack: the memory of each tensor of the graph that is not virtual.</summary>
    internal static CudnnBackendDescriptor Bind(ReadOnlySpan<long> ids, ReadOnlySpan<CUdeviceptr> addresses, CUdeviceptr workspace)
    {
        CudnnBackendDescriptor pack = DescriptorAttributes.Create(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
        try
        {
            pack.Set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids);
            pack.Set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, addresses);
            pack.Set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, [workspace]);
            pack.FinalizeDescriptor("variant pack");
            return pack;
        }
        catch
        {
            pack.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Descriptor.Dispose();
        _config?.Dispose();
    }
}
