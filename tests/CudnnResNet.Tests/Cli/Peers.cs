using System.Diagnostics;
using System.Text.Json;

namespace CudnnResNet.Tests.Cli;

/// <summary>Other programs that read and write the same files, where they are installed.</summary>
internal static class Peers
{
    private const string Interpreter = "/usr/bin/python3";

    private static readonly string Node = Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "cudnnresnet", "peers");

    public static string? TorchRefusal { get; } = Has("torch", "numpy") ? null : "needs PyTorch: apt-get install python3-torch";

    public static string? TorchvisionRefusal { get; } = Has("torchvision", "onnx")
        ? null
        : "needs torchvision: apt-get install python3-torchvision python3-onnx";

    public static string? OnnxRuntimeRefusal { get; } = !Directory.Exists(Path.Combine(Node, "node_modules", "onnxruntime-node"))
        ? "needs ONNX Runtime, which benchmarks/peers/run installs"
        : Run("node", ["--version"], "", null) is null ? "needs Node.js: apt-get install nodejs" : null;

    /// <summary>Runs a program that prints one JSON list of numbers as its last line.</summary>
    public static double[] Python(string program) =>
        Numbers(Run(Interpreter, ["-I", "-W", "ignore", "-c", program], "", null) ?? throw new InvalidOperationException("the Python program failed"));

    /// <summary>The first output for images [batch, channels, size, size] whose element i is (7919 i mod 1000) / 500 - 1.</summary>
    public static double[] OnnxRuntime(string model, int batch, int channels, int size) => Numbers(Run("node", ["-e", $$"""
        const ort = require('onnxruntime-node');
        (async () => {
            const session = await ort.InferenceSession.create(process.argv[1]);
            const values = new Float32Array({{batch * channels * size * size}});
            for (let i = 0; i < values.length; i++) values[i] = ((i * 7919) % 1000) / 500 - 1;
            const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', values, [{{batch}}, {{channels}}, {{size}}, {{size}}]) };
            const result = await session.run(feeds);
            console.log(JSON.stringify(Array.from(result[session.outputNames[0]].data)));
        })();
        """, model], "", Node) ?? throw new InvalidOperationException("ONNX Runtime failed"));

    private static double[] Numbers(string output) =>
        JsonSerializer.Deserialize<double[]>(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1])!;

    /// <summary>Looks for modules without importing them, which takes seconds.</summary>
    private static bool Has(params string[] modules) => Run(Interpreter,
        ["-I", "-c", "import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, sys.argv[1:])))", .. modules], "", null) is not null;

    /// <summary>Standard output; null where the program is missing or fails.</summary>
    private static string? Run(string program, string[] arguments, string input, string? folder)
    {
        try
        {
            ProcessStartInfo start = new(program, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
                WorkingDirectory = folder ?? Path.GetTempPath(),
            };
            using Process process = Process.Start(start)!;
            process.StandardInput.Write(input);
            process.StandardInput.Close();
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0)
                Console.Error.WriteLine(error.Result);
            return process.ExitCode == 0 ? output : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}

/// <summary>A test that needs PyTorch; skipped where it is not installed.</summary>
internal sealed class TorchFactAttribute : FactAttribute
{
    public TorchFactAttribute() => Skip = Peers.TorchRefusal;
}

/// <summary>A test that needs torchvision and PyTorch's exporter; skipped where they are not installed.</summary>
internal sealed class TorchvisionFactAttribute : FactAttribute
{
    public TorchvisionFactAttribute() => Skip = Peers.TorchvisionRefusal;
}

/// <summary>A test that needs ONNX Runtime; skipped where it is not installed.</summary>
internal sealed class OnnxRuntimeTheoryAttribute : TheoryAttribute
{
    public OnnxRuntimeTheoryAttribute() => Skip = Peers.OnnxRuntimeRefusal;
}
