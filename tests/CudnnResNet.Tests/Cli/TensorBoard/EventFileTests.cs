using System.Text;
using CudnnResNet.Cli.TensorBoard;
using CudnnResNet.Reporting;
using CudnnResNet.Tests.Execution;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Cli.TensorBoard;

public class EventFileTests
{
    /// <summary>The vectors of RFC 3720, appendix B.4, and the usual check value.</summary>
    [Fact]
    public void The_crc_is_castagnolis()
    {
        byte[] rising = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
        (byte[] Data, uint Crc)[] vectors =
        [
            (new byte[32], 0x8A9136AA),
            ([.. Enumerable.Repeat((byte)0xFF, 32)], 0x62A8AB43),
            (rising, 0x46DD794E),
            ([.. rising.Reverse()], 0x113FDB5C),
            (Encoding.ASCII.GetBytes("123456789"), 0xE3069283),
            ([], 0),
        ];
        foreach ((byte[] data, uint crc) in vectors)
        {
            Assert.Equal(crc, Crc32C.Of(data));
            Assert.Equal(crc, EventReader.Crc32C(data));
        }
    }

    /// <summary>A run into TensorBoard's folder, read back by other code, says what its log says.</summary>
    [Fact]
    public void Event_files_say_what_the_log_says()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 12, classes: 3);
        string[] train = ["train", "--data", $"npy:{folder.Path}", "--test-data", $"npy:{folder.Path}", .. SmallData.Network, "--batch", "6",
            "--schedule", "constant", "--out", folder.File("out"), "--tensorboard", .. CliRun.OnReference];
        _ = CliRun.Success([.. train, "--steps", "3"]);
        string first = Assert.Single(Directory.GetFiles(folder.File("out/tensorboard")));
        Assert.Contains("tfevents", Path.GetFileName(first), StringComparison.Ordinal);
        _ = CliRun.Success([.. train, "--steps", "5", "--resume", folder.File("out/last.safetensors")]);

        List<List<WireField>> events = [.. Directory.GetFiles(folder.File("out/tensorboard")).OrderBy(path => path == first ? 0 : 1)
            .SelectMany(path => EventReader.Records(File.ReadAllBytes(path))).Select(EventReader.Parse)];
        Assert.Equal("brain.Event:2", events[0].Single(field => field.Number == 3).Text);
        double now = (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds;
        Assert.All(events, message => Assert.InRange(message.Single(field => field.Number == 1).Double, now - 600, now));

        RunLog log = RunLogReader.Read(folder.File("out/run.jsonl"));
        Assert.Equal([1L, 2, 3, 4, 5], log.Steps.Select(step => step.Step));
        AssertScalars(events, "step/loss", log.Steps.Select(step => (step.Step, step.Loss)));
        AssertScalars(events, "step/learning_rate", log.Steps.Select(step => (step.Step, step.LearningRate)));
        AssertScalars(events, "step/images_per_second", log.Steps.Select(step => (step.Step, step.ImagesPerSecond)));
        AssertScalars(events, "step/accuracy", log.Steps.Select(step => (step.Step, step.Accuracy!.Value)));
        // The log forgets the epoch that the first part closed half done; event files keep it.
        List<(long Step, float Value)> tested = Scalars(events, "epoch/test_accuracy");
        Assert.All(log.Epochs, epoch => Assert.Contains((epoch.Step, (float)epoch.TestAccuracy!.Value), tested));
        Assert.Equal(log.Epochs.Count, Scalars(events, "epoch/seconds").Select(value => value.Step).Intersect(log.Epochs.Select(epoch => epoch.Step)).Count());

        string options = Text(events, "run/options");
        foreach (NamedValue option in log.Headers[0].Options)
            Assert.Contains($"| {option.Name} | {option.Value} |", options, StringComparison.Ordinal);
        Assert.Contains("./resnet train --data", Text(events, "run/command"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_step_allocates_nothing()
    {
        using TemporaryFolder folder = new();
        using EventFile file = EventFile.Create(folder.Path);
        StepRecord step = new(70_000, 3, 1.25, 0.1, 900, 0.5);
        Assert.Equal(0, SteadyState.AllocatedBytes(() => file.Write(step)));
    }

    private static void AssertScalars(List<List<WireField>> events, string tag, IEnumerable<(long Step, double Value)> expected) =>
        Assert.Equal([.. expected.Select(pair => (pair.Step, (float)pair.Value))], Scalars(events, tag));

    /// <summary>summary is field 5 of an event, value 1 of a summary; tag 1 and simple_value 2 of a value; a zero is left out.</summary>
    private static List<(long Step, float Value)> Scalars(List<List<WireField>> events, string tag) =>
        [.. Values(events, tag).Select(pair => (pair.Step, pair.Value.Single(field => field.Number == 2).Float))];

    /// <summary>tensor is field 8 of a value, its strings 8 and its type 1; the plugin's name is 1 of 1 of metadata, 9.</summary>
    private static string Text(List<List<WireField>> events, string tag)
    {
        IReadOnlyList<WireField> value = Values(events, tag).First().Value;
        IReadOnlyList<WireField> tensor = value.Single(field => field.Number == 8).Message;
        Assert.Equal(7UL, tensor.Single(field => field.Number == 1).Value);
        Assert.Equal("text", value.Single(field => field.Number == 9).Message.Single(field => field.Number == 1)
            .Message.Single(field => field.Number == 1).Text);
        return tensor.Single(field => field.Number == 8).Text;
    }

    private static IEnumerable<(long Step, IReadOnlyList<WireField> Value)> Values(List<List<WireField>> events, string tag) =>
        from message in events
        from summary in message.Where(field => field.Number == 5)
        from value in summary.Message.Where(field => field.Number == 1)
        where value.Message.Single(field => field.Number == 1).Text == tag
        select ((long)(message.SingleOrDefault(field => field.Number == 2)?.Value ?? 0), value.Message);

    /// <summary>The path is in the error, which the trainer can then say more of; and the file is closed.</summary>
    [Fact]
    public void A_full_disk_is_named()
    {
        SmallDisk full = new(bytes: 0);
        Assert.Contains("events.1 cannot be written: no space", Assert.Throws<ResNetException>(() => EventFile.Begin("events.1", full)).Message,
            StringComparison.Ordinal);
        Assert.False(full.CanWrite);
        using EventFile file = EventFile.Begin("events.2", new SmallDisk(bytes: 100));
        Assert.Contains("events.2 cannot be written: no space", Assert.Throws<ResNetException>(() =>
        {
            for (int step = 1; step < 100; step++)
                file.Write(new StepRecord(step, 1, 1.25, 0.1, 900, 0.5));
        }).Message, StringComparison.Ordinal);
    }

    private sealed class SmallDisk(int bytes) : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (Length + buffer.Length > bytes)
                throw new IOException("no space left.");
            base.Write(buffer);
        }
    }
}
