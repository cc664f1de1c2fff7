using System.Collections.Immutable;
using CudnnResNet.Data;
using CudnnResNet.Execution;

namespace CudnnResNet.Inference;

/// <summary>What a network says of one image.</summary>
/// <param name="Index">In the data set.</param>
/// <param name="Label">The true class.</param>
/// <param name="Predicted">The class with the largest logit.</param>
/// <param name="Confidence">Its probability.</param>
/// <param name="Loss">The cross-entropy, without smoothing: the true class has the probability exp(-Loss).</param>
public readonly record struct Prediction(int Index, int Label, int Predicted, double Confidence, double Loss)
{
    /// <summary>How many classes have a larger logit than the true one, or an equal one and a smaller number; 0 where the prediction is right.</summary>
    public int Rank { get; init; }
}

/// <summary>A network's results on a data set.</summary>
/// <param name="Loss">Mean cross-entropy, without smoothing.</param>
/// <param name="Predictions">In the order of the data set; images that cannot be read are left out.</param>
public sealed record Evaluation(double Loss, ImmutableArray<Prediction> Predictions)
{
    public double Accuracy { get; } =
        (double)Predictions.Count(prediction => prediction.Label == prediction.Predicted) / Predictions.Length;

    /// <summary>The share of images whose true class is among the <paramref name="count"/> with the largest logits.</summary>
    public double TopAccuracy(int count) => (double)Predictions.Count(prediction => prediction.Rank < count) / Predictions.Length;
}

/// <summary>Runs a network over a data set, in order.</summary>
public static class Evaluator
{
    /// <exception cref="ResNetException">Too many images cannot be read.</exception>
    public static Evaluation Evaluate(InferenceSession session, IDataSet data, Normalization normalization, DamagedImages? damaged = null)
    {
        int classes = session.Spec.Classes;
        float[] logits = new float[session.LogitElements];
        ImmutableArray<Prediction>.Builder predictions = ImmutableArray.CreateBuilder<Prediction>(data.Count);
        double loss = 0;
        EvaluationBatches batches = new(data, session.Batch, normalization, damaged, session.Accepts(data, normalization));
        for (int index = 0; index < batches.BatchCount; index++)
        {
            using StepTrace.StepScope step = StepTrace.Step(session.Trace);
            Batch batch = Read(batches, index, session.Trace);
            session.Run(batch, logits);
            for (int i = 0; i < batch.Count; i++)
            {
                ReadOnlySpan<float> row = logits.AsSpan(i * classes, classes);
                int label = batch.Labels[i];
                if (label == EvaluationBatches.NoLabel)
                    continue;
                int predicted = Classification.Predict(row);
                double imageLoss = Classification.Of(row, label).Loss;
                loss += imageLoss;
                predictions.Add(new Prediction(
                    index * session.Batch + i, label, predicted, Classification.Of(row, predicted).Probability, imageLoss)
                {
                    Rank = Classification.Rank(row, label),
                });
            }
        }
        return predictions.Count > 0
            ? new Evaluation(loss / predictions.Count, predictions.ToImmutable())
            : throw new ResNetException($"{data.Name}: none of its {data.Count} images can be read");
    }

    private static Batch Read(EvaluationBatches batches, int index, StepTrace? trace)
    {
        using StepTrace.SliceScope load = StepTrace.Slice(trace, TraceKind.LoadBatch);
        return batches.Read(index);
    }
}
