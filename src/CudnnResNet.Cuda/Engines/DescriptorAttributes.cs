using CudnnResNet.Cuda.Interop;
using static CudnnResNet.Cuda.Interop.cudnnBackendAttributeType_t;

namespace CudnnResNet.Cuda.Engines;

/// <summary>Attributes of backend descriptors by their value types.</summary>
internal static unsafe class DescriptorAttributes
{
    internal static CudnnBackendDescriptor Create(cudnnBackendDescriptorType_t type)
    {
        Cudnn.cudnnBackendCreateDescriptor(type, out CudnnBackendDescriptor descriptor).ThrowIfFailed($"cudnnBackendCreateDescriptor({type})");
        return descriptor;
    }

    extension(CudnnBackendDescriptor descriptor)
    {
        internal void Set(cudnnBackendAttributeName_t name, long value) => descriptor.Set(name, [value]);

        internal void Set(cudnnBackendAttributeName_t name, ReadOnlySpan<long> values)
        {
            fixed (long* first = values)
                SetRaw(descriptor, name, CUDNN_TYPE_INT64, values.Length, first);
        }

        internal void Set(cudnnBackendAttributeName_t name, float value) => SetRaw(descriptor, name, CUDNN_TYPE_FLOAT, 1, &value);

        internal void Set(cudnnBackendAttributeName_t name, bool value)
        {
            byte flag = value ? (byte)1 : (byte)0;
            SetRaw(descriptor, name, CUDNN_TYPE_BOOLEAN, 1, &flag);
        }

        internal void Set(cudnnBackendAttributeName_t name, cudnnDataType_t value) =>
            SetRaw(descriptor, name, CUDNN_TYPE_DATA_TYPE, 1, &value);

        internal void Set(cudnnBackendAttributeName_t name, cudnnConvolutionMode_t value) =>
            SetRaw(descriptor, name, CUDNN_TYPE_CONVOLUTION_MODE, 1, &value);

        internal void Set(cudnnBackendAttributeName_t name, cudnnPointwiseMode_t value) =>
            SetRaw(descriptor, name, CUDNN_TYPE_POINTWISE_MODE, 1, &value);

        internal void Set(cudnnBackendAttributeName_t name, cudnnBackendHeurMode_t value) =>
            SetRaw(descriptor, name, CUDNN_TYPE_HEUR_MODE, 1, &value);

        internal void Set(cudnnBackendAttributeName_t name, cudnnGenStatsMode_t value) =>
            SetRaw(descriptor, name, CUDNN_TYPE_GENSTATS_MODE, 1, &value);

        internal void Set(cudnnBackendAttributeName_t name, cudnnBackendNormMode_t value) =>
            SetRaw(descriptor, name, CUDNN_TYPE_NORM_MODE, 1, &value);

        internal void Set(cudnnBackendAttributeName_t name, cudnnBackendNormFwdPhase_t value) =>
            SetRaw(descriptor, name, CUDNN_TYPE_NORM_FWD_PHASE, 1, &value);

        internal void Set(cudnnBackendAttributeName_t name, CudnnHandle value)
        {
            nint handle = value.Borrow();
            SetRaw(descriptor, name, CUDNN_TYPE_HANDLE, 1, &handle);
        }

        internal void Set(cudnnBackendAttributeName_t name, CudnnBackendDescriptor value) => descriptor.Set(name, [value]);

        internal void Set(cudnnBackendAttributeName_t name, params ReadOnlySpan<CudnnBackendDescriptor> values)
        {
            nint* handles = stackalloc nint[values.Length];
            for (int i = 0; i < values.Length; i++)
                handles[i] = values[i].Borrow();
            SetRaw(descriptor, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, values.Length, handles);
        }

        internal void Set(cudnnBackendAttributeName_t name, ReadOnlySpan<CUdeviceptr> values)
        {
            fixed (CUdeviceptr* first = values)
                SetRaw(descriptor, name, CUDNN_TYPE_VOID_PTR, values.Length, first);
        }

        internal void SetText(cudnnBackendAttributeName_t name, ReadOnlySpan<byte> text)
        {
            fixed (byte* first = text)
                SetRaw(descriptor, name, CUDNN_TYPE_CHAR, text.Length, first);
        }

        internal byte[] GetText(cudnnBackendAttributeName_t name)
        {
            Cudnn.cudnnBackendGetAttribute(descriptor, name, CUDNN_TYPE_CHAR, 0, out long count, null)
                .ThrowIfFailed($"cudnnBackendGetAttribute({name})");
            byte[] text = new byte[count];
            fixed (byte* first = text)
                Cudnn.cudnnBackendGetAttribute(descriptor, name, CUDNN_TYPE_CHAR, count, out count, first)
                    .ThrowIfFailed($"cudnnBackendGetAttribute({name})");
            return text[..(int)count];
        }

        internal void FinalizeDescriptor(string what) =>
            Cudnn.cudnnBackendFinalize(descriptor).ThrowIfFailed($"cudnnBackendFinalize({what})");

        internal long GetInt64(cudnnBackendAttributeName_t name)
        {
            long value;
            Cudnn.cudnnBackendGetAttribute(descriptor, name, CUDNN_TYPE_INT64, 1, out _, &value)
                .ThrowIfFailed($"cudnnBackendGetAttribute({name})");
            return value;
        }

        /// <summary>An array of notes or other 4-byte values.</summary>
        internal int[] GetEnums(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type)
        {
            Cudnn.cudnnBackendGetAttribute(descriptor, name, type, 0, out long count, null)
                .ThrowIfFailed($"cudnnBackendGetAttribute({name})");
            int[] values = new int[count];
            fixed (int* first = values)
                if (count > 0)
                    Cudnn.cudnnBackendGetAttribute(descriptor, name, type, count, out count, first)
                        .ThrowIfFailed($"cudnnBackendGetAttribute({name})");
            return values[..(int)count];
        }

        /// <summary>Descriptors that the library fills: how many there are is only known afterwards.</summary>
        internal CudnnBackendDescriptor[] GetDescriptors(
            cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type)
        {
            Cudnn.cudnnBackendGetAttribute(descriptor, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, out long count, null)
                .ThrowIfFailed($"cudnnBackendGetAttribute({name})");
            CudnnBackendDescriptor?[] filled = new CudnnBackendDescriptor?[count];
            nint[] handles = new nint[count];
            long returned = 0;
            try
            {
                for (int i = 0; i < count; i++)
                    handles[i] = (filled[i] = Create(type)).Borrow();
                fixed (nint* first = handles)
                    if (count > 0)
                        Cudnn.cudnnBackendGetAttribute(descriptor, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, count, out returned, first)
                            .ThrowIfFailed($"cudnnBackendGetAttribute({name})");
                returned = Math.Clamp(returned, 0, count);
            }
            finally
            {
                for (long i = returned; i < count; i++)
                    filled[i]?.Dispose();
            }
            return filled[..(int)returned]!;
        }
    }

    private static void SetRaw(CudnnBackendDescriptor descriptor, cudnnBackendAttributeName_t name,
        cudnnBackendAttributeType_t type, long count, void* values) =>
        Cudnn.cudnnBackendSetAttribute(descriptor, name, type, count, values).ThrowIfFailed($"cudnnBackendSetAttribute({name})");
}
