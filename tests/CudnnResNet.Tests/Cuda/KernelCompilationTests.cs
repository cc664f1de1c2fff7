using CudnnResNet.Cuda.Kernels;

namespace CudnnResNet.Tests.Cuda;

/// <summary>Every own kernel is accepted by NVIDIA's compiler, for every architecture that it should run on.</summary>
public sealed class KernelCompilationTests
{
    private const int ElfMagic = 0x464c457f;

    public static TheoryData<string, int> Programs()
    {
        TheoryData<string, int> rows = [];
        foreach (string program in KernelSources.Programs)
            foreach (int architecture in (int[])[75, 80, 86, 89, 90, 100])
                if (RealNvrtc.Instance is not { } compiler || compiler.Architectures().Contains(architecture))
                    rows.Add(program, architecture);
        return rows;
    }

    [NvrtcTheory]
    [MemberData(nameof(Programs))]
    public void EveryProgramCompiles(string program, int architecture)
    {
        (byte[] cubin, string log) = RealNvrtc.Instance!.Compile(program, KernelSources.Read(program), architecture);
        Assert.True(cubin.Length > 0, log);
        Assert.Equal(ElfMagic, BitConverter.ToInt32(cubin));
    }

    /// <summary>The test above can fail.</summary>
    [NvrtcTheory]
    [InlineData("KERNEL(broken, float* x) { store(x, 1.0f) }")]
    [InlineData("KERNEL(broken, float* x) { store(x, printed(1.0f)); }")]
    public void AnErrorIsFound(string text)
    {
        byte[] source = System.Text.Encoding.UTF8.GetBytes($"#include \"lanes.h\"\n{text}\n\0");
        (byte[] cubin, string log) = RealNvrtc.Instance!.Compile("broken.cu", source, RealNvrtc.Instance.Architectures().Max());
        Assert.Empty(cubin);
        Assert.Contains("error", log, StringComparison.Ordinal);
    }
}
