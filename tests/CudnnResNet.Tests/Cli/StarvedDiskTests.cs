using System.Diagnostics;
using System.Text.RegularExpressions;
using CudnnResNet.Reporting;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Cli;

/// <summary>A run on a disk that fills up, or turns read-only; the disks are made for the test in a namespace of its own.</summary>
public class StarvedDiskTests
{
    private const int CheckpointsThatFit = 5;

    /// <summary>
    /// The disk has room for the checkpoints but not for much of a log beside them, or for a log but not for a second
    /// checkpoint: whichever write fails, the run ends with one line, and what was saved can be continued elsewhere.
    /// </summary>
    [MountTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFullDiskEndsTheRunAndLosesNothing(bool atFirstEpoch)
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 20, classes: 3);
        string[] flags = Flags(folder);
        _ = CliRun.Success([.. flags, "--steps", "1", "--out", folder.File("probe")]);
        long checkpoint = new FileInfo(folder.File("probe/last.safetensors")).Length;
        // At the epoch's end best and last lie there, and a third beside them while it is written.
        long bytes = atFirstEpoch ? checkpoint * 5 / 2 : checkpoint * CheckpointsThatFit;
        string fill = atFirstEpoch ? "" : "(while [ ! -f $D/out/best.safetensors ]; do sleep 0.02; done; cat /dev/zero > $D/fill) 2>/dev/null & ";
        (int code, string error) = RunIn(folder, $"mount -t tmpfs -o size={bytes} tmpfs $D", fill,
            [.. flags, "--steps", "100000", "--save-every", "2", "--out", folder.File("disk/out")]);

        Assert.Equal(2, code);
        Assert.Matches(@"^error: (.*last\.safetensors|.*best\.safetensors|the run log .*) cannot be written: [^\n]*[Nn]o space left[^\n]*; "
            + @"training stopped after step [0-9]+; the last good checkpoint is [^\n]*\.safetensors of step [0-9]+, --resume continues there\.\n$", error.Replace(": cannot", " cannot", StringComparison.Ordinal));
        AssertContinues(folder, flags, error);
    }

    [MountFact]
    public void ADiskThatTurnsReadOnlyEndsTheRunAndLosesNothing()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 20, classes: 3);
        string[] flags = Flags(folder);
        // The log's descriptor was opened before: only what is opened now meets the read-only mount.
        const string TurnReadOnly = "(while [ ! -f $D/out/best.safetensors ]; do sleep 0.02; done; "
            + "mount --bind $D/out $D/out && mount -o remount,bind,ro $D/out) & ";
        (int code, string error) = RunIn(folder, "mount -t tmpfs tmpfs $D", TurnReadOnly,
            [.. flags, "--steps", "100000", "--save-every", "2", "--out", folder.File("disk/out")]);
        Assert.Equal(2, code);
        Assert.Matches(@"^error: [^\n]*safetensors: cannot be written: [^\n]*[Rr]ead-only[^\n]*; training stopped after step [0-9]+; "
            + @"the last good checkpoint is [^\n]*\.safetensors of step [0-9]+, --resume continues there\.\n$", error);
        AssertContinues(folder, flags, error);
    }

    [MountFact]
    public void AReadOnlyFolderIsRefusedBeforeTheRun()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 20, classes: 3);
        (int code, string error) = RunIn(folder, "mount -t tmpfs -o ro tmpfs $D", "", [.. Flags(folder), "--steps", "2", "--out", folder.File("disk")]);
        Assert.Equal(2, code);
        Assert.Matches(@"^error: --out [^\n]*: cannot be written \([^\n]*[Rr]ead-only[^\n]*\); choose another folder\n$", error);
    }

    private static string[] Flags(TemporaryFolder folder) =>
        ["train", "--data", $"npy:{folder.Path}", .. SmallData.Network, "--batch", "4", "--lr", "0.01", "--schedule", "constant",
            "--no-report", .. CliRun.OnReference];

    /// <summary>Runs the command line with a disk of its own at disk/; what is on it at the end is copied to kept/.</summary>
    private static (int Code, string Error) RunIn(TemporaryFolder folder, string mount, string meanwhile, string[] arguments)
    {
        Directory.CreateDirectory(folder.File("disk"));
        string script = $"D={folder.File("disk")}; {mount} || exit 99; {meanwhile}\"$@\"; code=$?; "
            + $"kill $! 2>/dev/null; rm -f $D/fill; cp -a $D/out {folder.File("kept")} 2>/dev/null; exit $code";
        using Process process = Process.Start(new ProcessStartInfo("unshare",
            ["--map-root-user", "--mount", "sh", "-c", script, "sh", TrainingProcess.Host, "exec", TrainingProcess.Program, .. arguments])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        _ = output.Result;
        return (TrainingProcess.Exit(process), error);
    }

    /// <summary>The kept checkpoint and log, continued: every step is there once, and nothing temporary.</summary>
    private static void AssertContinues(TemporaryFolder folder, string[] flags, string error)
    {
        string kept = folder.File("kept");
        Match promised = Regex.Match(error, @"the last good checkpoint is \S*/disk/out/(?<file>\w+\.safetensors) of step (?<step>[0-9]+),");
        Assert.Equal(promised.Groups["step"].Value, $"{Checkpoint.Load(Path.Combine(kept, promised.Groups["file"].Value)).Progress.Step}");
        long step = Checkpoint.Load(Path.Combine(kept, "last.safetensors")).Progress.Step;
        Assert.DoesNotContain(Directory.GetFiles(kept), file => file.EndsWith(".tmp", StringComparison.Ordinal));
        _ = CliRun.Success([.. flags, "--steps", $"{step + 2}", "--resume", kept]);
        Assert.Equal(Enumerable.Range(1, (int)step + 2).Select(number => (long)number),
            RunLogReader.Read(Path.Combine(kept, RunFolder.LogFile)).Steps.Select(line => line.Step));
    }
}
