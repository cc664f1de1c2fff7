using CudnnResNet.Graph;

namespace CudnnResNet.OneDnn.Kernels.BatchNorm;

/// <summary>Operands by channel of a training batch norm; saved results are null where nobody reads them.</summary>
internal unsafe struct BatchNormTrainingVectors
{
    internal float* Gamma, Beta, RunningMean, RunningVariance, SavedMean, SavedInverseDeviation;
    internal double Epsilon, Momentum;

    internal static BatchNormTrainingVectors Of(Node norm, OperandAddresses at)
    {
        BatchNormTraining operation = (BatchNormTraining)norm.Operation;
        return new()
        {
            Gamma = at.Floats(norm.Inputs[1]),
            Beta = at.Floats(norm.Inputs[2]),
            RunningMean = at.Floats(norm.Inputs[3]),
            RunningVariance = at.Floats(norm.Inputs[4]),
            SavedMean = at.FloatsOrNull(norm.Outputs[1]),
            SavedInverseDeviation = at.FloatsOrNull(norm.Outputs[2]),
            Epsilon = operation.Epsilon,
            Momentum = operation.Momentum,
        };
    }

    /// <summary>Takes one channel's mean and centred second moment over <paramref name="rows"/> into what is saved and running.</summary>
    /// <returns>gamma / deviation.</returns>
    internal readonly float Conclude(nint channel, double mean, double moment, double rows)
    {
        double inverseDeviation = 1 / Math.Sqrt(moment / rows + Epsilon);
        double unbiased = moment / Math.Max(rows - 1, 1);
        RunningMean[channel] = Blend(RunningMean[channel], mean);
        RunningVariance[channel] = Blend(RunningVariance[channel], unbiased);
        if (SavedMean != null)
            SavedMean[channel] = (float)mean;
        if (SavedInverseDeviation != null)
            SavedInverseDeviation[channel] = (float)inverseDeviation;
        return (float)(Gamma[channel] * inverseDeviation);
    }

    private readonly float Blend(float old, double batch) => (float)((1 - Momentum) * old + Momentum * batch);
}
