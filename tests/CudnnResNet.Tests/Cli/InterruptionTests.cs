using System.Diagnostics;
using System.Text.Json;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Cli;

public class InterruptionTests
{
    /// <summary>
    /// A run in a process of its own is told to stop; it finishes its step, saves it, and another run goes on from there.
    /// </summary>
    [LinuxTheory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public void AnInterruptedRunSavesAndCanBeResumed(string signal, int exitCode)
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 20, classes: 3);
        string log = folder.File("run.jsonl");
        string[] flags = ["train", "--data", $"npy:{folder.Path}", .. SmallData.Network, "--batch", "6", "--lr", "0.01",
            "--schedule", "constant", "--log", log, "--out", folder.File("out"), .. CliRun.OnReference];
        using (Process process = TrainingProcess.Start([.. flags, "--steps", "1000000"]))
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            WaitForSteps(process, log, steps: 5);
            TrainingProcess.Signal(process, signal);
            Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)), "the run went on");
            Assert.Equal(exitCode, process.ExitCode);
            Assert.Contains("continues with --resume", output.Result, StringComparison.Ordinal);
        }
        List<JsonElement> before = TrainCommandTests.ReadLog(log);
        long done = before[^1].GetProperty("step").GetInt64();
        string last = folder.File("out/last.safetensors");
        Assert.Equal(done, Checkpoint.Load(last).Progress.Step);

        _ = CliRun.Success([.. flags, "--steps", $"{done + 2}", "--resume", last]);
        Assert.Equal([.. before.Select(Step), done + 1, done + 2], TrainCommandTests.ReadLog(log).Select(Step));

        static long Step(JsonElement line) => line.GetProperty("step").GetInt64();
    }

    private static void WaitForSteps(Process process, string log, int steps)
    {
        for (Stopwatch waited = Stopwatch.StartNew(); waited.Elapsed < TimeSpan.FromMinutes(2); Thread.Sleep(20))
        {
            if (process.HasExited)
                throw new InvalidOperationException($"the run ended by itself with exit code {process.ExitCode}");
            if (File.Exists(log) && File.ReadLines(log).Count() >= steps)
                return;
        }
        process.Kill();
        throw new InvalidOperationException("the run did not start");
    }

    [LinuxTheory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public void InterruptedPackingSaysWhichSignal(string signal, int exitCode)
    {
        if (ImagingProbe.Run().Refusal is not null)
            return;
        const int Images = 4000;
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder.File("set/cat"));
        for (int i = 0; i < Images; i++)
            File.Copy(Imaging.ImageFixture.PathOf("baseline420.jpg"), folder.File($"set/cat/{i}.jpg"));
        string records = folder.File("set.records");
        using Process process = TrainingProcess.Start("data", "pack", "--data", $"folder:{folder.File("set")}", "--out", records, "--side", "512");
        Assert.True(TrainingProcess.WaitFor(process, () => File.Exists($"{records}.partial")));
        TrainingProcess.Signal(process, signal);
        Assert.Equal(exitCode, TrainingProcess.Exit(process));
    }
}
