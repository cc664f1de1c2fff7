using System.Text.Json;
using CudnnResNet.Cuda;
using CudnnResNet.OneDnn;

namespace CudnnResNet.Tests.Cli;

public class DoctorCommandTests
{
    [Fact]
    public void BackendsAreAsTheyAreProbed()
    {
        OneDnnProbe probe = OneDnnBackend.Probe();
        using JsonDocument json = JsonDocument.Parse(CliRun.Success("doctor", "--json"));
        Dictionary<string, JsonElement> backends = json.RootElement.GetProperty("backends").EnumerateArray()
            .ToDictionary(backend => backend.GetProperty("name").GetString()!);
        Assert.True(backends["reference"].GetProperty("available").GetBoolean());
        CudaProbe cuda = CudaProbe.Run();
        Assert.Equal(cuda.IsAvailable, backends["cuda"].GetProperty("available").GetBoolean());
        Assert.Equal(cuda.Refusal, backends["cuda"].GetProperty("reason").GetString());
        Assert.Equal(probe.IsAvailable, backends["onednn"].GetProperty("available").GetBoolean());
        Assert.Equal(probe.Version, backends["onednn"].GetProperty("version").GetString());
        Assert.Equal(probe.Refusal, backends["onednn"].GetProperty("reason").GetString());
        Assert.Equal(probe.Tried, backends["onednn"].GetProperty("tried").EnumerateArray().Select(path => path.GetString()));
        Assert.Equal(cuda.IsAvailable && !cuda.Devices[0].IsSimulated ? "cuda" : probe.IsAvailable ? "onednn" : "reference", json.RootElement.GetProperty("defaultDevice").GetString());
        Assert.Equal(!probe.IsAvailable, json.RootElement.GetProperty("install").EnumerateArray()
            .Any(package => probe.Refusal is { } refusal && package.GetString()!.StartsWith(refusal, StringComparison.Ordinal)));
        JsonElement own = json.RootElement.GetProperty("cpuKernels");
        CpuKernelsProbe kernels = CpuKernelsProbe.Run();
        Assert.Equal(kernels.IsAvailable, own.GetProperty("available").GetBoolean());
        Assert.Equal(kernels.Version, own.GetProperty("version").GetString());
        Assert.Equal(kernels.Refusal, own.GetProperty("reason").GetString());
        Assert.Equal(Environment.ProcessorCount, json.RootElement.GetProperty("cores").GetInt32());
    }

    [Fact]
    public void TheTextNamesWhatIsMissing()
    {
        string text = CliRun.Success("doctor");
        Assert.Contains("<- --device auto", text, StringComparison.Ordinal);
        Assert.Contains(CudaProbe.Run().Refusal ?? "sm_", text, StringComparison.Ordinal);
        Assert.Contains("libdnnl.so.2", text, StringComparison.Ordinal);
    }
}
