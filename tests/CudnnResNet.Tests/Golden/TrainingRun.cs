using System.Text.Json;

namespace CudnnResNet.Tests.Golden;

/// <summary>
/// A short training run recorded step by step by PyTorch (make_training_run.py): resnet18 v1.5 with the cifar stem,
/// 24 images of 3x16x16 from the fill formula, batches of 8 in order, 7 steps, SGD with momentum 0.9.
/// </summary>
public sealed record TrainingRun(
    TrainingRunOptions Options, TrainingRunResult Float64, TrainingRunResult Float32, TrainingRunResult Float32ChannelsLast)
{
    public const int Depth = 18;
    public const int Images = 24;
    public const int ImageSize = 16;
    public const int Batch = 8;
    public const double Momentum = 0.9;

    /// <summary>The runs by name, for xunit theories.</summary>
    public static TheoryData<string> All => ["decay-all", "no-decay-bn-bias", "cosine", "sigmoid", "conv-bias", "keras-norm"];

    public static TrainingRun Load(string name)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Golden", "training-runs.json");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        return document.RootElement.GetProperty("runs").GetProperty(name).Deserialize<TrainingRun>(JsonSerializerOptions.Web)!;
    }

    /// <summary>The images [24, 3, 16, 16], NCHW.</summary>
    public static double[] Input() => GoldenFill.Input("", (long)Images * 3 * ImageSize * ImageSize);

    /// <summary>The class of each image; for one class the target of the sigmoid, 0 or 1.</summary>
    public long[] Labels()
    {
        var labels = new long[Images];
        for (int n = 0; n < Images; n++)
        {
            labels[n] = Options.Classes == 1 ? n % 2 : ((37 * n) + 11) % Options.Classes;
        }

        return labels;
    }
}

/// <param name="Classes">1 means a sigmoid with binary cross-entropy.</param>
/// <param name="Schedule">"constant", or "cosine": lr/2 (1 + cos(pi step / 7)), step from 0.</param>
/// <param name="WeightDecay">On every parameter, or on those of more than one dimension if <paramref name="NoDecayBnBias"/>.</param>
/// <param name="NoDecayBnBias">No decay on one-dimensional parameters.</param>
/// <param name="LabelSmoothing">0.1, and 0 for one class.</param>
/// <param name="ConvBias">Every convolution has a bias, filled by the formula under its own name ("conv1.bias": 0.1 s).</param>
/// <param name="NormEpsilon">Epsilon of all batch norms.</param>
/// <param name="NormMomentum">Weight of the new value in the running statistics (PyTorch's convention).</param>
/// <param name="LearningRate">Before the schedule.</param>
public sealed record TrainingRunOptions(
    int Classes, string Schedule, double WeightDecay, bool NoDecayBnBias, double LabelSmoothing, bool ConvBias,
    double NormEpsilon, double NormMomentum, double LearningRate);

/// <param name="Steps">One entry a step.</param>
/// <param name="InitialLogits">Evaluation logits [8][classes] of the first batch before the first step.</param>
/// <param name="FinalLogits">The same after the last step.</param>
/// <param name="FinalNormFirstLast">[norm, first, last] of every parameter and running statistic after the last step, by name.</param>
public sealed record TrainingRunResult(
    TrainingRunStep[] Steps, double[][] InitialLogits, double[][] FinalLogits, Dictionary<string, double[]> FinalNormFirstLast);

/// <param name="Step">From 1.</param>
/// <param name="Lr">The learning rate of this step.</param>
/// <param name="Loss">Of this batch, before the update.</param>
public sealed record TrainingRunStep(int Step, double Lr, double Loss);
