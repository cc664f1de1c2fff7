using System.Runtime.CompilerServices;

namespace CudnnResNet.OneDnn.Interop;

/// <summary>A call of oneDNN failed; the message quotes it.</summary>
internal sealed class DnnlException(string call, dnnl_status_t status)
    : ResNetException($"oneDNN: {call} returned {status}: {Hint(status)}")
{
    public string Call { get; } = call;

    public dnnl_status_t Status { get; } = status;

    private static string Hint(dnnl_status_t status) => status switch
    {
        dnnl_status_t.dnnl_out_of_memory => "there is too little free memory; use a smaller batch",
        dnnl_status_t.dnnl_invalid_arguments => "the arguments contradict each other, a defect of the caller",
        dnnl_status_t.dnnl_unimplemented => "this build has no implementation for the shapes, types and instruction set",
        dnnl_status_t.dnnl_runtime_error => "the primitive or engine failed while it ran",
        _ => "an unexpected status",
    };
}

internal static class DnnlStatus
{
    extension(dnnl_status_t status)
    {
        internal void ThrowIfFailed([CallerArgumentExpression(nameof(status))] string call = "")
        {
            if (status != dnnl_status_t.dnnl_success)
                throw new DnnlException(call, status);
        }
    }
}
