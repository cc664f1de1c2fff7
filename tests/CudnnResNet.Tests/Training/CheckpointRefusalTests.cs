using CudnnResNet.Data;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Training;

/// <summary>Whatever a checkpoint's metadata say, the answer names the file and what is wrong in it.</summary>
public class CheckpointRefusalTests
{
    private const string Progress = """{"Step":1,"Position":{"Epoch":1,"Index":0},"Seed":7,"BestAccuracy":null}""";

    [Theory]
    [InlineData("progress", "{}", "Step")]
    [InlineData("progress", "null", "empty")]
    [InlineData("progress", """{"Step":1,"Position":{"Index":0},"Seed":7,"BestAccuracy":null}""", "Epoch")]
    [InlineData("progress", """{"Step":1,"Position":null,"Seed":7,"BestAccuracy":null}""", "Position")]
    [InlineData("progress", """{"Step":-1,"Position":{"Epoch":1,"Index":0},"Seed":7,"BestAccuracy":null}""", "Step = -1")]
    [InlineData("progress", """{"Step":1,"Position":{"Epoch":0,"Index":0},"Seed":7,"BestAccuracy":null}""", "Epoch = 0")]
    [InlineData("trajectory", "{}", "Facts")]
    [InlineData("trajectory", """{"Facts":null,"Steps":1,"Rates":"","Plans":[]}""", "Facts")]
    [InlineData("trajectory", """{"Facts":[null],"Steps":1,"Rates":"","Plans":[]}""", "Facts")]
    [InlineData("trajectory", """{"Facts":[{"Name":null,"Value":""}],"Steps":1,"Rates":"","Plans":[]}""", "Name")]
    [InlineData("trajectory", """{"Facts":[],"Steps":1,"Rates":null,"Plans":[]}""", "Rates")]
    [InlineData("trajectory", """{"Facts":[],"Steps":1,"Rates":"","Plans":[null]}""", "Plans")]
    [InlineData("trajectory", """{"Facts":[],"Steps":9000000000000000000,"Rates":"","Plans":[]}""", "Steps")]
    [InlineData("trajectory", """{"Facts":[],"Steps":-1,"Rates":"","Plans":[]}""", "Steps")]
    [InlineData("normalization", "{}", "Mean")]
    [InlineData("normalization", """{"Mean":[0.5],"Std":null}""", "Std")]
    [InlineData("normalization", """{"Mean":[0.5],"Std":[1,1]}""", "1 means and 2 deviations")]
    [InlineData("normalization", """{"Mean":[0.5],"Std":[0]}""", "deviation")]
    [InlineData("spec", """{"Depth":19}""", "depth 19")]
    [InlineData("spec", """{"Depth":18,"Version":77}""", "version 77")]
    [InlineData("spec", """{"Depth":18,"Classes":0}""", "0 classes")]
    public void ABadFieldIsNamed(string key, string json, string field)
    {
        using TemporaryFolder folder = new();
        string path = folder.File("x.safetensors");
        Dictionary<string, string> metadata = new() { ["cudnnresnet.progress"] = Progress };
        Safetensors.Write(path, [NamedTensor.FromFloats("w", [1], [1])], metadata);
        Assert.Equal(1, Checkpoint.Load(path).Progress.Step);
        metadata[$"cudnnresnet.{key}"] = json;
        Safetensors.Write(path, [NamedTensor.FromFloats("w", [1], [1])], metadata);
        string message = Assert.Throws<ResNetException>(() => Checkpoint.Load(path)).Message;
        Assert.StartsWith($"{path}: its metadata 'cudnnresnet.{key}'", message, StringComparison.Ordinal);
        Assert.Contains(field, message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFactThatIsSaidTwiceCountsOnce()
    {
        Trajectory trajectory = new([new("batch", "3"), new("batch", "4")], 1, "", []);
        Assert.Equal(["batch was 4, is 5"], trajectory.Differences([new("batch", "5")]));
    }

    [Fact]
    public void ListsThatAreMissingAreEmpty()
    {
        Trajectory trajectory = new(default, 1, "", default);
        Assert.Equal(["batch was not recorded, is 5"], trajectory.Differences([new("batch", "5")]));
        Checkpoint checkpoint = new(new NetworkWeights(new Dictionary<string, NamedTensor>(), "x"), null, TrainingProgress.Start, Normalization.None)
        {
            Trajectory = trajectory,
        };
        Assert.Empty(new Resumption(checkpoint).Plans);
        Assert.True(new Normalization(default, default).IsNone);
    }
}
