using System.Globalization;
using CudnnResNet.Tests.Cli;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Learn;

/// <summary>docs/learn/pytorch-nodown.md: the program of the page writes a checkpoint, and ours gives its logits.</summary>
public class PyTorchNetworkTests
{
    private const int Size = 16;

    [TorchFact]
    public void ACheckpointOfResnet50NodownIsServed()
    {
        using TemporaryFolder folder = new();
        string page = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "docs", "learn", "pytorch-nodown.md"));
        string program = page.Split("```python\n")[1].Split("```")[0];
        double[] theirs = Peers.Python($$"""
            {{program}}
            import json
            torch.manual_seed(3)
            m = resnet50nodown(num_classes=1, width=4)
            x = (torch.arange(2 * 3 * {{Size}} * {{Size}}) * 7919 % 1000 / 500 - 1).float().reshape(2, 3, {{Size}}, {{Size}})
            m(x)
            torch.save({'model': m.state_dict()}, '{{folder.File("nodown.pth")}}')
            with torch.no_grad():
                print(json.dumps(m.eval()(x).flatten().tolist()))
            """);
        NpyFiles.WriteImages(folder, "in.npy", [2, 3, Size, Size],
            [.. Enumerable.Range(0, 2 * 3 * Size * Size).Select(i => (double)(float)(i * 7919L % 1000 / 500f - 1))]);
        CliRun.Success(["predict", "--weights", folder.File("nodown.pth"), "--model", "auto", "--stem", "nodown",
            "--tensor", folder.File("in.npy"), "--out", folder.File("out.npy"), .. CliRun.OnReference]);
        float[] ours = CudnnResNet.Data.NpyFile.Read(folder.File("out.npy")).AsFloats().ToArray();
        Assert.Equal(2, ours.Length);
        for (int i = 0; i < ours.Length; i++)
            Assert.True(Math.Abs(theirs[i] - ours[i]) <= 1e-4 * Math.Max(1, Math.Abs(theirs[i])),
                string.Create(CultureInfo.InvariantCulture, $"{ours[i]} instead of {theirs[i]}"));
    }
}
