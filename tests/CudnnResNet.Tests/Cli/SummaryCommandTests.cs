using System.Text.Json;

namespace CudnnResNet.Tests.Cli;

public class SummaryCommandTests
{
    /// <summary>Parameters from torchvision's documentation; multiply-adds as fvcore and the documentation's GFLOPS count them.</summary>
    [Theory]
    [InlineData(18, 11_689_512, 1.81)]
    [InlineData(34, 21_797_672, 3.66)]
    [InlineData(50, 25_557_032, 4.09)]
    [InlineData(101, 44_549_160, 7.80)]
    [InlineData(152, 60_192_808, 11.51)]
    public void CountsAreTorchvisions(int depth, long parameters, double gigaMultiplyAdds)
    {
        using JsonDocument json = JsonDocument.Parse(CliRun.Success("summary", "--model", $"resnet{depth}", "--json"));
        JsonElement root = json.RootElement;
        Assert.Equal(parameters, root.GetProperty("parameters").GetInt64());
        Assert.Equal(parameters, root.GetProperty("layers").EnumerateArray().Sum(layer => layer.GetProperty("parameters").GetInt64()));
        Assert.Equal(gigaMultiplyAdds, root.GetProperty("multiplyAdds").GetInt64() / 1e9, 0.01);
    }

    [Fact]
    public void LayersCarryTorchvisionsNamesAndShapes()
    {
        using JsonDocument json = JsonDocument.Parse(CliRun.Success("summary", "--model", "resnet50", "--batch", "4", "--json"));
        Dictionary<string, JsonElement> layers = json.RootElement.GetProperty("layers").EnumerateArray()
            .ToDictionary(layer => layer.GetProperty("name").GetString()!);
        Assert.Equal([4, 64, 112, 112], Shape("conv1"));
        Assert.Equal([4, 64, 56, 56], Shape("maxpool"));
        Assert.Equal([4, 512, 28, 28], Shape("layer2.0.downsample.0"));
        Assert.Equal([4, 2048, 7, 7], Shape("layer4.2.conv3"));
        Assert.Equal([4, 1000], Shape("fc"));
        Assert.Equal(512 * 256, layers["layer2.0.downsample.0"].GetProperty("parameters").GetInt64());

        int[] Shape(string layer) => [.. layers[layer].GetProperty("output").EnumerateArray().Select(extent => extent.GetInt32())];
    }

    /// <summary>
    /// Counted by hand for resnet18 v2 with the cifar stem on 8 x 8 images, in fp32, width 4. Read by the backward pass:
    /// every convolution's input (the images are no activation), every batch norm's input with mean and deviation, the
    /// ReLUs' results (which are those inputs of convolutions), the pooled features and the logits.
    /// </summary>
    [Fact]
    public void ActivationMemoryIsWhatTheBackwardPassReads()
    {
        const int Batch = 2;
        long elements = 0;
        int channels = 4;
        int pixels = 64;
        for (int stage = 0; stage < 4; stage++)
        {
            int wide = 4 << stage;
            int small = stage == 0 ? 64 : pixels / 4;
            for (int block = 0; block < 2; block++)
            {
                int inPixels = block == 0 ? pixels : small;
                // The block's input, normalised and rectified; then the same of the first convolution's result.
                elements += Batch * (2L * inPixels * channels + 2L * small * wide) + 2 * channels + 2 * wide;
                channels = wide;
            }
            pixels = small;
        }
        // The last batch norm's input and the last ReLU's result, the pooled features, the logits.
        elements += Batch * (2L * pixels * channels + channels + 10) + 2 * channels;
        Assert.Equal(4 * elements, ActivationBytes("--model", "resnet18", "--version", "v2", "--stem", "cifar", "--width", "4",
            "--classes", "10", "--image-size", "8", "--batch", $"{Batch}"));
    }

    /// <summary>All but the statistics grows: a mean and a deviation for each of resnet50's 26,560 normalised channels.</summary>
    [Fact]
    public void ActivationMemoryGrowsWithTheBatch() => Assert.Equal(
        31 * 26_560 * 2 * sizeof(float),
        32 * ActivationBytes("--model", "resnet50") - ActivationBytes("--model", "resnet50", "--batch", "32"));

    private static long ActivationBytes(params string[] flags)
    {
        using JsonDocument json = JsonDocument.Parse(CliRun.Success(["summary", "--json", .. flags]));
        return json.RootElement.GetProperty("activationBytes").GetInt64();
    }

    [Fact]
    public void TheTableEndsWithTotals()
    {
        string text = CliRun.Success("summary", "--model", "resnet18", "--stem", "cifar", "--classes", "10", "--input-channels", "1");
        Assert.Contains("resnet18 v1.5, cifar stem, width 64, 10 classes, 1 input channel", text, StringComparison.Ordinal);
        Assert.Contains("parameters         11,172,810", text, StringComparison.Ordinal);
    }
}
