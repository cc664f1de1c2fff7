using System.Globalization;
using System.Text.Json;
using CudnnResNet.Reporting;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Reporting;

public sealed class RunLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("runlog").FullName;

    private string LogPath => Path.Combine(_folder, "run.jsonl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_step_line_has_the_fixed_form()
    {
        using (RunLogWriter log = RunLogWriter.Create(LogPath))
            log.Write(new StepRecord(1, 2, 0.1 + 0.2, 0.05, 812.5));

        Assert.Equal(
            "{\"step\":1,\"epoch\":2,\"loss\":0.30000000000000004,\"lr\":0.05,\"imagesPerSecond\":812.5}\n",
            File.ReadAllText(LogPath));
    }

    [Fact]
    public void Every_line_is_in_the_file_when_its_write_returns()
    {
        using RunLogWriter log = RunLogWriter.Create(LogPath);
        log.Write(new StepRecord(1, 1, 2.5, 0.1, 100));
        using var reader = new StreamReader(new FileStream(LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));

        Assert.EndsWith("}\n", reader.ReadToEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_written_is_read_back()
    {
        var header = new RunHeader(
            new DateTimeOffset(2024, 5, 6, 7, 8, 9, TimeSpan.FromHours(2)),
            [new("model", "resnet18"), new("note", "\"<é\n>\"")],
            [new("oneDNN", "2.6.3")]);
        StepRecord[] steps =
        [
            new(1, 1, Math.PI, 1e-7, 123.456789012345678),
            new(2, 1, double.NaN, 0.1, 1e3, 0.25),
            new(3, 1, double.PositiveInfinity, 0.1, 5),
            new(4, 1, double.NegativeInfinity, double.Epsilon, double.MaxValue, 0),
        ];
        EpochRecord[] epochs =
        [
            new(1, 4, 0.7, 0.9, null, null, 12.5),
            new(2, 8, double.NaN, 0.1, 0.2, 0.3, 1) { EmaTestLoss = 0.6, EmaTestAccuracy = 0.95 },
        ];
        using (RunLogWriter log = RunLogWriter.Create(LogPath))
        {
            log.Write(header);
            foreach (StepRecord step in steps)
                log.Write(step);
            foreach (EpochRecord epoch in epochs)
                log.Write(epoch);
        }

        RunLog read = RunLogReader.Read(LogPath);

        Assert.Equal(steps, read.Steps);
        Assert.Equal(epochs, read.Epochs);
        Assert.Equal(header.StartedAt, Assert.Single(read.Headers).StartedAt);
        Assert.Equal(header.Options, read.Headers[0].Options);
        Assert.Equal(header.Versions, read.Headers[0].Versions);
        Assert.Null(read.CutLine);
    }

    [Fact]
    public void Every_line_is_JSON_and_losses_that_are_not_finite_are_strings()
    {
        using (RunLogWriter log = RunLogWriter.Create(LogPath))
        {
            log.Write(new StepRecord(1, 1, double.NaN, 0.1, 1));
            log.Write(new StepRecord(2, 1, double.PositiveInfinity, 0.1, 1));
            log.Write(new StepRecord(3, 1, double.NegativeInfinity, 0.1, 1));
        }

        IEnumerable<string?> losses = File.ReadAllLines(LogPath).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("loss").GetString());
        Assert.Equal(["NaN", "Infinity", "-Infinity"], losses);
    }

    [Fact]
    public void A_log_of_step_lines_only_has_a_loss_on_every_line()
    {
        using (RunLogWriter log = RunLogWriter.Create(LogPath, stepLinesOnly: true))
        {
            log.Write(new RunHeader(DateTimeOffset.UnixEpoch, [], []));
            log.Write(new StepRecord(1, 1, 1, 0.1, 1));
            log.Write(new EpochRecord(1, 1, 1, 1, 1, 1, 1));
        }

        Assert.Equal(1, JsonDocument.Parse(Assert.Single(File.ReadAllLines(LogPath))).RootElement.GetProperty("loss").GetDouble());
    }

    [Fact]
    public void Wherever_a_kill_cuts_the_last_line_the_steps_before_it_are_read()
    {
        using (RunLogWriter log = RunLogWriter.Create(LogPath))
        {
            log.Write(new StepRecord(1, 1, 2.25, 0.1, 100));
            log.Write(new StepRecord(2, 1, 1.75, 0.1, 100));
        }

        string text = File.ReadAllText(LogPath);
        int firstEnds = text.IndexOf('\n', StringComparison.Ordinal) + 1;
        for (int length = firstEnds; length <= text.Length; length++)
        {
            File.WriteAllText(LogPath, text[..length]);
            RunLog read = RunLogReader.Read(LogPath);

            bool secondIsWhole = length >= text.Length - 1;
            Assert.Equal(secondIsWhole ? 2 : 1, read.Steps.Count);
            Assert.Equal(secondIsWhole || length == firstEnds ? null : text[firstEnds..length], read.CutLine);
        }
    }

    [Fact]
    public void Appending_removes_a_cut_line_and_resumed_steps_replace_the_earlier_ones()
    {
        using (RunLogWriter log = RunLogWriter.Create(LogPath))
        {
            for (int step = 1; step <= 4; step++)
                log.Write(new StepRecord(step, 1, step, 0.1, 1));
            log.Write(new EpochRecord(1, 4, 9, 0, 0, 0, 0));
        }

        File.AppendAllText(LogPath, "{\"step\":5,\"epo");
        using (RunLogWriter log = RunLogWriter.Append(LogPath, afterStep: long.MaxValue))
        {
            for (int step = 3; step <= 4; step++)
                log.Write(new StepRecord(step, 1, 10 * step, 0.1, 1));
            log.Write(new EpochRecord(1, 4, 8, 0, 0, 0, 0));
        }

        RunLog read = RunLogReader.Read(LogPath);
        Assert.Equal([1, 2, 30, 40], read.Steps.Select(step => step.Loss));
        Assert.Equal(8, Assert.Single(read.Epochs).TestLoss);
        Assert.Null(read.CutLine);
        Assert.DoesNotContain("\"epo\n", File.ReadAllText(LogPath), StringComparison.Ordinal);
    }

    /// <summary>What a killed run reported after its last checkpoint is made again: the file has one line a step.</summary>
    [Fact]
    public void Appending_after_a_step_removes_what_came_later()
    {
        using (RunLogWriter log = RunLogWriter.Create(LogPath))
        {
            for (int step = 1; step <= 4; step++)
                log.Write(new StepRecord(step, 1, step, 0.1, 1));
            log.Write(new EpochRecord(1, 4, 9, 0, 0, 0, 0));
            log.Write(new StepRecord(5, 2, 5, 0.1, 1));
        }

        string whole = File.ReadAllText(LogPath);
        using (RunLogWriter.Append(LogPath, afterStep: 5)) { }
        Assert.Equal(whole, File.ReadAllText(LogPath));
        using (RunLogWriter.Append(LogPath, afterStep: 4)) { }
        Assert.Equal(whole[..(whole.TrimEnd().LastIndexOf('\n') + 1)], File.ReadAllText(LogPath));
        using (RunLogWriter log = RunLogWriter.Append(LogPath, afterStep: 2))
            log.Write(new StepRecord(3, 1, 30, 0.1, 1));
        Assert.Equal(["{\"step\":1", "{\"step\":2", "{\"step\":3"], File.ReadLines(LogPath).Select(line => line.Split(',')[0]));
        Assert.Empty(RunLogReader.Read(LogPath).Epochs);
    }

    [LinuxFact]
    public void A_log_that_cannot_be_written_is_named()
    {
        using RunLogWriter log = RunLogWriter.Create("/dev/full");
        ResNetException error = Assert.Throws<ResNetException>(() => log.Write(new StepRecord(1, 1, 1, 0.1, 1)));
        Assert.Contains("the run log /dev/full cannot be written: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Appending_keeps_a_whole_last_line_that_lacks_its_line_feed()
    {
        File.WriteAllText(LogPath, "{\"step\":1,\"epoch\":1,\"loss\":3,\"lr\":1,\"imagesPerSecond\":1}");
        using (RunLogWriter log = RunLogWriter.Append(LogPath, afterStep: long.MaxValue))
            log.Write(new StepRecord(2, 1, 4, 0.1, 1));

        Assert.Equal([3, 4], RunLogReader.Read(LogPath).Steps.Select(step => step.Loss));
    }

    [Fact]
    public void Appending_to_another_file_refuses_and_leaves_it_alone()
    {
        File.WriteAllText(LogPath, "my diary");

        ResNetException error = Assert.Throws<ResNetException>(() => RunLogWriter.Append(LogPath, afterStep: long.MaxValue));
        Assert.Contains("is not a run log", error.Message, StringComparison.Ordinal);
        Assert.Equal("my diary", File.ReadAllText(LogPath));
    }

    [Theory]
    [InlineData("{\"step\":1,\"epoch\":1,\"lr\":1,\"imagesPerSecond\":1}", "'loss' is missing")]
    [InlineData("{\"step\":1,\"epoch\":1,\"loss\":\"big\",\"lr\":1,\"imagesPerSecond\":1}", "'big' is not a number")]
    [InlineData("{\"step\":", "is not a line of a run log")]
    [InlineData("[1]", "is not a line of a run log")]
    public void A_malformed_line_before_the_last_is_named(string line, string message)
    {
        File.WriteAllText(LogPath, "{\"kind\":\"of another version\"}\n" + line + "\n{\"kind\":\"epoch\"");

        ResNetException error = Assert.Throws<ResNetException>(() => RunLogReader.Read(LogPath));
        Assert.Contains("line 2", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_or_unwritable_file_is_named()
    {
        Assert.Contains(LogPath, Assert.Throws<ResNetException>(() => RunLogReader.Read(LogPath)).Message, StringComparison.Ordinal);
        Assert.Contains(_folder, Assert.Throws<ResNetException>(() => RunLogWriter.Create(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_step_line_costs_no_managed_allocation()
    {
        using RunLogWriter log = RunLogWriter.Create(LogPath);
        for (int i = 1; i <= 100; i++)
            log.Write(new StepRecord(i, 1, 1.0 / i, 0.1, 1234.5678, 0.5));

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 101; i <= 1100; i++)
            log.Write(new StepRecord(i, 1, 1.0 / i, 0.1, 1234.5678, 0.5));
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Numbers_are_written_alike_in_every_culture()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CommaCulture.Make();
            A_step_line_has_the_fixed_form();
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
