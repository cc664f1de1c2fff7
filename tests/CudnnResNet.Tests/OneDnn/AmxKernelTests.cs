using System.Diagnostics;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn;
using CudnnResNet.Reference;
using CudnnResNet.Tests.Conformance;

namespace CudnnResNet.Tests.OneDnn;

/// <summary>Kernels for AMX, on a processor that has it or on the software that stands in for it, which is tested first.</summary>
public sealed class AmxKernelTests
{
    /// <summary>The tests of native/amxtrap/tests.cpp: products, roundings, forms of address, threads, broken rules.</summary>
    [AmxFact]
    public void TheSoftwareDoesWhatTheManualSays()
    {
        if (AmxUnderTest.Folder.Length == 0)
            return;
        using Process process = Process.Start(
            new ProcessStartInfo(Path.Combine(AmxUnderTest.Folder, "amxtrap_tests"), AmxUnderTest.IsNative ? "native" : "")
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"exit code {process.ExitCode}: {errors.GetAwaiter().GetResult()}");
        Assert.Equal("ok", output.Trim());
    }

    public static TheoryData<string> Lines()
    {
        TheoryData<string> lines = [];
        if (AmxUnderTest.Refusal is null)
        {
            using OneDnnBackend backend = AmxUnderTest.Create(1);
            foreach (Problem problem in ProblemFiles.Problems)
                if (Kernels(backend, problem).Any())
                    lines.Add(problem.Line);
        }
        else
        {
            lines.Add("none");
        }
        return lines;
    }

    [AmxTheory]
    [MemberData(nameof(Lines))]
    public void Agrees(string line)
    {
        Problem problem = ProblemParser.Parse(line);
        using ReferenceBackend reference = new(threads: 2);
        Oracle oracle = new(reference);
        foreach (int threads in (int[])[1, 2])
        {
            using OneDnnBackend backend = AmxUnderTest.Create(threads);
            foreach (Kernel kernel in Kernels(backend, problem))
                KernelCheck.Check(backend, kernel, problem, oracle);
        }
    }

    private static IEnumerable<Kernel> Kernels(OneDnnBackend backend, Problem problem) => backend.Kernels.Where(kernel =>
        kernel.Name.EndsWith("_amx", StringComparison.Ordinal) && kernel.Check(problem).IsSupported);
}
