using System.Diagnostics;
using System.Globalization;
using CudnnResNet.Reporting;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Cli;

public class KilledTrainingTests
{
    private const int Steps = 60;

    /// <summary>
    /// A run is killed again and again, at moments that are left to chance, and resumed each time from the last checkpoint
    /// that it left, if any. In the end its log and its checkpoint are those of a run that nobody touched: every step once.
    /// </summary>
    [LinuxFact]
    public void KilledAtRandomStepsARunEndsAsIfNeverTouched()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 20, classes: 3);
        // Epochs of 5 steps: the 60th ends one, so that no time that was measured is left in the checkpoint.
        string[] flags = ["train", "--data", $"npy:{folder.Path}", "--test-data", $"npy:{folder.Path}", .. SmallData.Network,
            "--batch", "4", "--lr", "0.02", "--ema", "0.9", "--steps", $"{Steps}", "--save-every", "2", "--no-report", "--deterministic",
            "--device", "onednn", "--threads", "2", "--plan-cache", "none"];
        _ = CliRun.Success([.. flags, "--out", folder.File("whole")]);

        string output = folder.File("killed");
        string log = Path.Combine(output, RunFolder.LogFile);
        string last = Path.Combine(output, "last.safetensors");
        Random random = new(11);
        int kills = 0;
        bool isDone = false;
        while (!isDone)
        {
            // Before the first checkpoint there is nothing to resume: the run begins anew.
            if (!File.Exists(last) && Directory.Exists(output))
                Directory.Delete(output, recursive: true);
            int target = (File.Exists(last) ? (int)Checkpoint.Load(last).Progress.Step : 0) + 1 + random.Next(14);
            string? header = LogEnd(log).Header;
            using Process process = TrainingProcess.Start([.. flags, "--out", output, .. File.Exists(last) ? ["--resume", output] : Array.Empty<string>()]);
            Task<string> said = process.StandardError.ReadToEndAsync();
            Task<string> told = process.StandardOutput.ReadToEndAsync();
            if (target < Steps && TrainingProcess.WaitFor(process, () => LogEnd(log) is var end && end.Header != header && end.Step >= target))
            {
                Thread.Sleep(random.Next(12));
                process.Kill();
                kills++;
            }
            isDone = TrainingProcess.Exit(process) == 0;
            _ = told.Result;
            Assert.True(isDone || process.ExitCode == 137, said.Result);
        }
        Assert.True(kills >= 3, $"{kills} kills show little");

        RunLog whole = RunLogReader.Read(Path.Combine(folder.File("whole"), RunFolder.LogFile));
        RunLog killed = RunLogReader.Read(log);
        Assert.Equal(whole.Steps.Select(WithoutSpeed), killed.Steps.Select(WithoutSpeed));
        Assert.Equal(whole.Epochs.Select(epoch => epoch with { Seconds = 0 }), killed.Epochs.Select(epoch => epoch with { Seconds = 0 }));
        // The file itself, not only what a reader makes of it: each step has one line.
        Assert.Equal(Steps, Lines(log));
        foreach (string name in (ReadOnlySpan<string>)["last.safetensors", "best.safetensors"])
            AssertSameFile(Path.Combine(folder.File("whole"), name), Path.Combine(output, name));
        Assert.DoesNotContain(Directory.GetFiles(output), file => file.EndsWith(".tmp", StringComparison.Ordinal));
    }

    /// <summary>The first signal saves; whoever cannot wait for that sends another, and the process is gone.</summary>
    [LinuxFact]
    public void ASecondSignalEndsARunAtOnce()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 192, classes: 3);
        // Steps of seconds: whoever is gone without a checkpoint did not wait for one.
        using Process process = TrainingProcess.Start(["train", "--data", $"npy:{folder.Path}", "--model", "resnet50", "--width", "64",
            "--stem", "cifar", "--batch", "64", "--steps", "3", "--out", folder.File("out"), "--no-report", "--precision", "fp64", .. CliRun.OnReference]);
        string log = folder.File($"out/{RunFolder.LogFile}");
        if (!TrainingProcess.WaitFor(process, () => Lines(log) == 1))
            Assert.Fail(process.StandardError.ReadToEnd());
        TrainingProcess.Signal(process, "TERM");
        Thread.Sleep(300);
        Assert.False(process.HasExited);
        TrainingProcess.Signal(process, "TERM");
        Assert.Equal(143, TrainingProcess.Exit(process));
        Assert.False(File.Exists(folder.File("out/last.safetensors")));
    }

    private static StepRecord WithoutSpeed(StepRecord step) => step with { ImagesPerSecond = 0 };

    /// <summary>The last run line, which says when that run began, and the last step after it; null and 0 where there is none.</summary>
    private static (string? Header, long Step) LogEnd(string log)
    {
        const string StepBegin = "{\"step\":";
        (string? header, long last) = (null, 0);
        foreach (string line in File.Exists(log) ? File.ReadLines(log) : [])
            if (line.StartsWith("{\"kind\":\"run\"", StringComparison.Ordinal))
                (header, last) = (line, 0);
            else if (line.StartsWith(StepBegin, StringComparison.Ordinal) && line.Contains(',', StringComparison.Ordinal))
                last = long.Parse(line.AsSpan()[StepBegin.Length..line.IndexOf(',', StringComparison.Ordinal)], CultureInfo.InvariantCulture);
        return (header, last);
    }

    private static int Lines(string log) => File.Exists(log)
        ? File.ReadLines(log).Count(line => line.StartsWith("{\"step\":", StringComparison.Ordinal))
        : 0;

    private static void AssertSameFile(string expected, string actual) =>
        Assert.True(File.ReadAllBytes(expected).AsSpan().SequenceEqual(File.ReadAllBytes(actual)), $"{actual} is not {expected}");
}
