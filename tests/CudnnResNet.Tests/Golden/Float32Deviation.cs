using System.Text.Json;

namespace CudnnResNet.Tests.Golden;

/// <summary>How far float32 PyTorch itself is from the golden numbers, measured by measure_float32.py in two layouts.</summary>
public sealed record Float32Deviation(double LaterLosses, double GradientNorms)
{
    public static Float32Deviation Of(string name)
    {
        using JsonDocument file = JsonDocument.Parse(
            File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "float32-deviation.json")));
        JsonElement worst = file.RootElement.GetProperty("cases").GetProperty(name).GetProperty("worst");
        return new Float32Deviation(Number(worst, "laterLosses"), Number(worst, "gradientNorms"));
    }

    private static double Number(JsonElement worst, string key) =>
        worst.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.Number
            ? value.GetDouble()
            : 0;
}
