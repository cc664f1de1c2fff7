using System.Diagnostics;
using System.Globalization;
using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Tests.Cuda;

/// <summary>NVIDIA's headers on this machine, and a C compiler that evaluates expressions with them.</summary>
internal static class Headers
{
    /// <summary>Names a folder of headers that is in no usual place.</summary>
    private const string Variable = "CUDNNRESNET_CUDA_INCLUDE";

    /// <summary>Why the header cannot be asked here; null where it can.</summary>
    public static string? Refusal(string header) =>
        !HasCompiler() ? "There is no C compiler; apt-get install gcc."
        : !Folders().Any(folder => File.Exists(Path.Combine(folder, header)))
            ? $"{header} is not on this machine; set {Variable} to the folder that holds it."
        : null;

    /// <summary>The value of each C expression after including <paramref name="header"/>.</summary>
    public static Dictionary<string, long> Evaluate(string header, IEnumerable<string> expressions)
    {
        string folder = Directory.CreateTempSubdirectory("cudnnresnet-headers-").FullName;
        try
        {
            string source = Path.Combine(folder, "print.c"), program = Path.Combine(folder, "print");
            File.WriteAllText(source, $$"""
                #include <stddef.h>
                #include <stdio.h>
                #include <{{header}}>
                int main(void) {
                {{string.Join('\n', expressions.Select(e => $"printf(\"%s %lld\\n\", \"{e}\", (long long)({e}));"))}}
                return 0; }
                """);
            // Declarations of functions are compared by nothing here; deprecation is no concern of a constant.
            Run("cc", ["-w", .. Folders().Select(include => $"-I{include}"), "-o", program, source]);
            return Run(program).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))
                .ToDictionary(parts => parts[0], parts => long.Parse(parts[1], CultureInfo.InvariantCulture));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static IEnumerable<string> Folders()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
            yield return named;
        foreach (string folder in CudaFolders.All())
            if (Path.GetFullPath(Path.Combine(folder, "..", "include")) is var include && Directory.Exists(include))
                yield return include;
        yield return "/usr/include";
    }

    private static bool HasCompiler() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Any(folder => File.Exists(Path.Combine(folder, "cc")));

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors.Result);
        return output;
    }
}

/// <summary>A fact about a header of NVIDIA's; skipped, and saying so, where the header is missing.</summary>
public sealed class HeaderTheoryAttribute : TheoryAttribute
{
    public HeaderTheoryAttribute(string header) => Skip = Headers.Refusal(header);
}
