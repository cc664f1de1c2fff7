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

/// <summary>Runs a network over a data set, in order. While the device works on a batch, the next ones are read and given to it.</summary>
public static class Evaluator
{
    /// <exception cref="ResNetException">Too many images cannot be read.</exception>
    public static Evaluation Evaluate(InferenceSession session, IDataSet data, Normalization normalization, DamagedImages? damaged = null)
    {
        Predictions predictions = new(session.Spec.Classes, data.Count);
        SubmittedBatches submitted = new(session);
        EvaluationBatches batches = new(data, session.Batch, normalization, damaged, session.Accepts(data, normalization));
        for (int index = 0; index < batches.BatchCount; index++)
        {
            using StepTrace.StepScope step = StepTrace.Step(session.Trace);
            Batch batch = Read(batches, index, session.Trace);
            if (submitted.IsFull)
                predictions.Add(submitted.Collect());
            submitted.Submit(batch, index * session.Batch);
            while (submitted.MustBeCollected)
                predictions.Add(submitted.Collect());
        }
        while (submitted.Pending > 0)
            predictions.Add(submitted.Collect());
        return predictions.Sum() ?? throw new ResNetException($"{data.Name}: none of its {data.Count} images can be read");
    }

    private static Batch Read(EvaluationBatches batches, int index, StepTrace? trace)
    {
        using StepTrace.SliceScope load = StepTrace.Slice(trace, TraceKind.LoadBatch);
        return batches.Read(index);
    }

    private sealed class Predictions(int classes, int most)
    {
        private readonly ImmutableArray<Prediction>.Builder _predictions = ImmutableArray.CreateBuilder<Prediction>(most);
        private double _loss;

        public void Add(ClassifiedBatch batch)
        {
            for (int i = 0; i < batch.Labels.Length; i++)
            {
                ReadOnlySpan<float> row = batch.Logits.Slice(i * classes, classes);
                int label = batch.Labels[i];
                if (label == EvaluationBatches.NoLabel)
                    continue;
                int predicted = Classification.Predict(row);
                double loss = Classification.Of(row, label).Loss;
                _loss += loss;
                _predictions.Add(new Prediction(batch.First + i, label, predicted, Classification.Of(row, predicted).Probability, loss)
                {
                    Rank = Classification.Rank(row, label),
                });
            }
        }

        /// <summary>Null where there is none.</summary>
        public Evaluation? Sum() => _predictions.Count == 0 ? null : new Evaluation(_loss / _predictions.Count, _predictions.ToImmutable());
    }
}
