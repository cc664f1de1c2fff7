using System.Diagnostics;
using System.Globalization;

using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Weights;

public class KilledWriterTests
{
    private const int Kills = 100;

    [Fact]
    public void AfterEveryOfAHundredKillsTheLastCheckpointIsWhole()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("last.safetensors");
        var random = new Random(8);
        long last = 0;
        int interrupted = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            long said = RunAndKill(path, last, TimeSpan.FromMilliseconds(1 + random.Next(30)));
            last = CheckpointWriter.StepOf(Safetensors.Read(path));
            // The file is that of the last word, or of the step after it, which was killed before it could say so.
            Assert.InRange(last, said, said + 1);

            string[] leftovers = [.. folder.Names().Where(name => name != "last.safetensors")];
            Assert.InRange(leftovers.Length, 0, 1);
            interrupted += leftovers.Length;
        }
        // Most of the time a temporary file is being written; kills that never met one would prove nothing.
        Assert.InRange(interrupted, Kills / 5, Kills);
    }

    /// <summary>Kills a writer some time after its first checkpoint; returns the last step that it said.</summary>
    private static long RunAndKill(string path, long last, TimeSpan after)
    {
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        string[] arguments = ["exec", typeof(CheckpointWriter).Assembly.Location, path, last.ToString(CultureInfo.InvariantCulture)];
        using Process process = Process.Start(new ProcessStartInfo(host, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string? line = process.StandardOutput.ReadLine();
        if (line is null)
            throw new InvalidOperationException($"the writer ended by itself: {process.StandardError.ReadToEnd()}");
        Thread.Sleep(after);
        process.Kill();
        for (; line is not null; line = process.StandardOutput.ReadLine())
        {
            // A word cut short by the kill is no word.
            if (long.TryParse(line, CultureInfo.InvariantCulture, out long step) && step > last)
                last = step;
        }
        process.WaitForExit();
        return last;
    }
}
