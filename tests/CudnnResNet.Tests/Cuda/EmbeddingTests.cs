using System.Runtime.InteropServices;
using CudnnResNet.Compilation;
using CudnnResNet.Cuda;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Inference;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cuda;

/// <summary>
/// Inference on a host's own context, stream and device pointers, as ManagedCuda or a C++ program would hand them in:
/// nothing is copied, and the host finds all of it as it was.
/// </summary>
[Collection("simulated GPU")]
public sealed unsafe class EmbeddingTests
{
    private const int Batch = 2;
    private const int Size = 16;
    private const int GuardBytes = 256;

    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 8, Classes = 5, Stem = ResNetStem.Cifar };

    private static readonly CompilerOptions Untuned = new() { Tune = false, PlanCacheFolder = null };

    [CudaTheory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Fp16)]
    public void AHostsContextStreamAndPointers(Precision precision)
    {
        float[] images = new float[Batch * Size * Size * 3], expected = new float[Batch * Spec.Classes];
        Random random = new(1);
        for (int i = 0; i < images.Length; i++)
            images[i] = 2 * random.NextSingle() - 1;
        NetworkWeights weights;
        using (CudaBackend own = DeviceUnderTest.Create())
        using (InferenceSession session = InferenceSession.Create(Spec, Batch, Size, Size, precision, own, Untuned))
        {
            weights = WeightInitialization.Create(session.ExpectedWeights, seed: 1, zeroInitLastBatchNorm: false);
            session.LoadWeights(weights);
            session.Run(images, expected);
        }

        CudaDriver.cuDeviceGet(out CUdevice device, 0).ThrowIfFailed();
        using CudaPrimaryContext primary = new(device);
        CUcontext context = primary.Borrow();
        CudaDriver.cuCtxPushCurrent_v2(context).ThrowIfFailed();
        CudaDriver.cuStreamCreate(out CudaStream stream, CUstream_flags.CU_STREAM_NON_BLOCKING).ThrowIfFailed();
        stream.Context = context;
        CUdeviceptr input = Allocate(images.Length * sizeof(float)), output = Allocate(expected.Length * sizeof(float) + GuardBytes);
        byte[] guarded = [.. Enumerable.Repeat((byte)0xA5, expected.Length * sizeof(float) + GuardBytes)];
        Write(input, MemoryMarshal.AsBytes<float>(images));
        Write(output, guarded);
        // The host's thread goes on without a context: the backend must not need one to be current, nor leave one.
        CudaDriver.cuCtxPopCurrent_v2(out _).ThrowIfFailed();

        using (CudaBackend backend = CudaBackend.OnContext(context.Value, stream.Borrow().Value, new CudaOptions { IsDeterministic = true }))
        using (InferenceSession session = InferenceSession.Create(Spec, Batch, Size, Size, precision, backend, Untuned,
            (arena, value) => value.Name switch
            {
                ResNetGraph.Images => CudaBackend.Attach(arena, (nint)input.Value, value.Bytes),
                ResNetGraph.Logits => CudaBackend.Attach(arena, (nint)output.Value, value.Bytes),
                _ => null,
            }))
        {
            session.LoadWeights(weights);
            // One by one, then recorded, then replayed.
            for (int i = 0; i < 3; i++)
                session.Run();
        }

        Assert.Equal(CUresult.CUDA_ERROR_INVALID_CONTEXT, CudaDriver.cuCtxGetDevice(out _));
        CudaDriver.cuCtxPushCurrent_v2(context).ThrowIfFailed();
        byte[] after = Read(output, guarded.Length);
        Assert.Equal(expected, MemoryMarshal.Cast<byte, float>(after)[..expected.Length].ToArray());
        Assert.Equal(guarded[^GuardBytes..], after[^GuardBytes..]);
        Assert.Equal(images, MemoryMarshal.Cast<byte, float>(Read(input, images.Length * sizeof(float))).ToArray());
        CudaDriver.cuMemFree_v2(input).ThrowIfFailed();
        CudaDriver.cuMemFree_v2(output).ThrowIfFailed();
        stream.Dispose();
        CudaDriver.cuCtxPopCurrent_v2(out _).ThrowIfFailed();

        void Write(CUdeviceptr to, ReadOnlySpan<byte> bytes)
        {
            fixed (byte* source = bytes)
                CudaDriver.cuMemcpyHtoDAsync_v2(to, source, (nuint)bytes.Length, stream.Borrow()).ThrowIfFailed();
            CudaDriver.cuStreamSynchronize(stream.Borrow()).ThrowIfFailed();
        }

        byte[] Read(CUdeviceptr from, int bytes)
        {
            byte[] result = new byte[bytes];
            fixed (byte* target = result)
                CudaDriver.cuMemcpyDtoHAsync_v2(target, from, (nuint)bytes, stream.Borrow()).ThrowIfFailed();
            CudaDriver.cuStreamSynchronize(stream.Borrow()).ThrowIfFailed();
            return result;
        }
    }

    [CudaFact]
    public void AMisalignedPointerIsRefused()
    {
        using CudaBackend backend = DeviceUnderTest.Create();
        using Arena arena = backend.Allocate(64);
        Assert.Contains("0x101", Assert.Throws<ResNetException>(() => CudaBackend.Attach(arena, 0x101, 64)).Message, StringComparison.Ordinal);
    }

    private static CUdeviceptr Allocate(int bytes)
    {
        CudaDriver.cuMemAlloc_v2(out CUdeviceptr memory, (nuint)bytes).ThrowIfFailed();
        return memory;
    }
}
