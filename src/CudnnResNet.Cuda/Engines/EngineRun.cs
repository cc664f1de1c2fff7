using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Cuda.Kernels;

namespace CudnnResNet.Cuda.Engines;

/// <summary>
/// An engine's plan bound to memory. What it refuses at its first run, the next engine that fits into the same workspace
/// does; the reason is kept.
/// </summary>
internal sealed unsafe class EngineRun : IDisposable
{
    private readonly CudaSession _session;
    private readonly string _line;
    private readonly Func<EnginePlan?> _next;
    private readonly long[] _ids;
    private readonly CUdeviceptr[] _addresses;
    private readonly CUdeviceptr _workspace;
    private readonly long _workspaceBytes;
    private float* _scalars;
    private EnginePlan _plan;
    private CudnnBackendDescriptor _variantPack;
    private bool _hasRun;

    /// <param name="session">Whose handle executes.</param>
    /// <param name="line">Names the problem in messages.</param>
    /// <param name="next">Plans from the chosen one on; null at the end.</param>
    /// <param name="bindings">Of the graph.</param>
    /// <param name="addressOf">Where what a binding names lies on the device.</param>
    /// <param name="workspace">For <paramref name="workspaceBytes"/>.</param>
    /// <param name="workspaceBytes">What the first plan asks for.</param>
    internal EngineRun(CudaSession session, string line, Func<EnginePlan?> next, IReadOnlyList<TensorBinding> bindings,
        Func<TensorBinding, CUdeviceptr> addressOf, CUdeviceptr workspace, long workspaceBytes)
    {
        (_session, _line, _next, _workspace, _workspaceBytes) = (session, line, next, workspace, workspaceBytes);
        _plan = next() ?? throw new InvalidOperationException($"No engine for '{line}'.");
        _ids = new long[bindings.Count];
        _addresses = new CUdeviceptr[bindings.Count];
        // Numbers are read from host memory in each call.
        _scalars = (float*)NativeMemory.AllocZeroed((nuint)bindings.Count, sizeof(float));
        try
        {
            for (int i = 0; i < bindings.Count; i++)
            {
                _ids[i] = bindings[i].Id;
                _scalars[i] = bindings[i].Scalar;
                _addresses[i] = bindings[i].IsNumber ? new CUdeviceptr((ulong)(_scalars + i)) : addressOf(bindings[i]);
            }
            _variantPack = EnginePlan.Bind(_ids, _addresses, workspace);
        }
        catch
        {
            NativeMemory.Free(_scalars);
            throw;
        }
    }

    internal void Enqueue()
    {
        if (_hasRun)
            Cudnn.cudnnBackendExecute(_session.Cudnn, _plan.Descriptor, _variantPack).ThrowIfFailed();
        else
            RunFirst();
    }

    /// <summary>The plan that runs, which is not the first where that refused.</summary>
    internal EnginePlan Plan => _plan;

    public void Dispose()
    {
        _variantPack.Dispose();
        NativeMemory.Free(_scalars);
        _scalars = null;
    }

    private void RunFirst()
    {
        CudnnException? first = null;
        while (true)
        {
            cudnnStatus_t status = Cudnn.cudnnBackendExecute(_session.Cudnn, _plan.Descriptor, _variantPack);
            if (status == cudnnStatus_t.CUDNN_STATUS_SUCCESS)
            {
                _hasRun = true;
                return;
            }
            CudnnException error = new($"cudnnBackendExecute({_plan.Tag}) for '{_line}'", status);
            first ??= error;
            _session.Refuse(error.Message);
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
