namespace CudnnResNet.OneDnn.Native;

/// <summary>Instruction sets that the processor has and the operating system allows; the CRN_ constants of the header.</summary>
[Flags]
internal enum CpuFeatures
{
    None = 0,
    Avx2 = 1,
    Avx512 = 2,
    Avx512Bf16 = 4,
    AmxBf16 = 8,
}
