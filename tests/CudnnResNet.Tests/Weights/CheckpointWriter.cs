using System.Globalization;

using CudnnResNet.Tensors;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Weights;

/// <summary>
/// The process that <see cref="KilledWriterTests"/> kills: writes checkpoint after checkpoint to one file and says the step of
/// each that is done.
/// </summary>
internal static class CheckpointWriter
{
    private const int Values = 128 << 10;

    public static void Write(string path, string last)
    {
        using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        for (long step = long.Parse(last, CultureInfo.InvariantCulture) + 1; ; step++)
        {
            Safetensors.Write(path, Tensors(step), new Dictionary<string, string> { ["step"] = $"{step}" });
            output.WriteLine(step);
        }
    }

    /// <summary>The step of a checkpoint, every value of which must say the same.</summary>
    public static long StepOf(TensorFile checkpoint)
    {
        long step = long.Parse(checkpoint.Metadata["step"], CultureInfo.InvariantCulture);
        Assert.Equal(3, checkpoint.Tensors.Count);
        foreach (NamedTensor expected in Tensors(step))
            Assert.True(checkpoint.TryGet(expected.Name)!.Data.Span.SequenceEqual(expected.Data.Span), $"{expected.Name} is not that of step {step}");
        return step;
    }

    private static NamedTensor[] Tensors(long step)
    {
        var weights = new float[Values];
        weights.AsSpan().Fill(step);
        return [
            NamedTensor.FromFloats("weight", [Values / 64, 64], weights),
            NamedTensor.FromFloats("momentum", [Values / 64, 64], weights),
            new NamedTensor("step", DataType.Int64, [], BitConverter.GetBytes(step)),
        ];
    }
}
