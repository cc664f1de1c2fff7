namespace CudnnResNet.Tests.Golden;

/// <summary>
/// The expected numbers were computed in Python's big integers from the published constants of FNV-1a and splitmix64,
/// without make_golden.py.
/// </summary>
public class GoldenFillTests
{
    [Theory]
    [InlineData("input", 0, 0.011253157877898823)]
    [InlineData("input", 1, 0.0978183426575382)]
    [InlineData("input", 12287, 0.375600126941557)]
    [InlineData("conv1.weight", 0, 0.3185250148814892)]
    [InlineData("conv1.weight", 9407, 0.7778461587895629)]
    [InlineData("layer1.0.bn2.weight", 63, 0.3603392948415034)]
    [InlineData("xinput", 5, 0.33284275597644175)]
    [InlineData("layer4.2.conv3.weight", 1048575, 0.6724053207478343)]
    public void StreamIsBitExact(string name, int index, double expected) =>
        Assert.Equal(expected, GoldenFill.Uniform(name, index + 1)[index]);

    [Theory]
    [InlineData("conv1.weight", new long[] { 64, 3, 7, 7 }, 5, -0.0527904974792483)]
    [InlineData("fc.weight", new long[] { 1000, 2048 }, 7, -0.006722669568881781)]
    [InlineData("fc.bias", new long[] { 1000 }, 9, 0.0023521226757134773)]
    [InlineData("layer2.1.bn3.weight", new long[] { 512 }, 3, 0.2731068512924588)]
    [InlineData("layer2.1.bn2.weight", new long[] { 128 }, 3, 0.9950443705007406)]
    [InlineData("layer2.0.downsample.1.weight", new long[] { 512 }, 3, 0.8339212888120106)]
    [InlineData("layer2.0.downsample.1.bias", new long[] { 512 }, 11, -0.046284979761157245)]
    [InlineData("bn1.running_mean", new long[] { 64 }, 2, 0.02012373762044537)]
    [InlineData("bn1.running_var", new long[] { 64 }, 2, 1.1966883732726237)]
    public void ParameterFollowsItsKind(string name, long[] shape, int index, double expected)
    {
        double[] values = GoldenFill.Parameter(name, shape, GoldenCase.Load("resnet50-v1.5-imagenet"));
        Assert.Equal(shape.Aggregate(1L, (product, extent) => product * extent), values.Length);
        Assert.Equal(expected, values[index], 1e-16);
    }

    [Fact]
    public void LastNormOfABranchIsSmallOnlyInVersion1()
    {
        Assert.All(GoldenFill.Parameter("layer1.0.bn2.weight", [64], GoldenCase.Load("resnet34-v1.5-cifar")), v => Assert.InRange(v, 0.15, 0.35));
        Assert.All(GoldenFill.Parameter("layer1.0.bn2.weight", [64], GoldenCase.Load("resnet18-v2-cifar")), v => Assert.InRange(v, 0.5, 1.0));
        Assert.All(GoldenFill.Parameter("layer1.0.bn2.weight", [64], GoldenCase.Load("resnet50-v1-imagenet")), v => Assert.InRange(v, 0.5, 1.0));
        Assert.All(GoldenFill.Parameter("layer1.0.bn3.weight", [256], GoldenCase.Load("resnet50-v1-imagenet")), v => Assert.InRange(v, 0.15, 0.35));
    }

    [Fact]
    public void InputAndLabelsOfACase()
    {
        GoldenCase golden = GoldenCase.Load("resnet50-v1.5-imagenet");
        double[] input = GoldenFill.Input(golden);
        Assert.Equal(4 * 3 * 64 * 64, input.Length);
        Assert.Equal(-1.5492775609957126, input[100], 1e-16);
        Assert.Equal([11L, 48L, 85L, 122L], GoldenFill.Labels(golden));
    }

    [Fact]
    public void SaltChangesEveryStream()
    {
        GoldenCase golden = GoldenCase.Load("resnet18-v1.5-imagenet") with { Salt = "x" };
        Assert.Equal((4 * 0.33284275597644175) - 2, GoldenFill.Input(golden)[5], 1e-15);
        Assert.NotEqual(GoldenFill.Parameter("fc.bias", [10], golden), GoldenFill.Parameter("fc.bias", [10], golden with { Salt = "" }));
    }

    [Theory]
    [MemberData(nameof(GoldenCase.All), MemberType = typeof(GoldenCase))]
    public void CaseIsComplete(string name)
    {
        GoldenCase golden = GoldenCase.Load(name);
        Assert.Equal(name, golden.Name);
        Assert.Equal(golden.Batch, golden.EvalLogits.Length);
        Assert.All(golden.EvalLogits, row => Assert.Equal(golden.Classes, row.Length));
        Assert.All(golden.FinalNormFirstLast.Values, triple => Assert.Equal(3, triple.Length));
        Assert.Equal(golden.Steps > 0, golden.FirstStepGradientNorms.Count > 0);
        Assert.All(golden.FirstStepGradientNorms.Keys, parameter => Assert.Contains(parameter, golden.FinalNormFirstLast));
    }
}
