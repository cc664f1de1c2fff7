using CudnnResNet.Graph;

namespace CudnnResNet.OneDnn.Kernels.BatchNorm;

/// <summary>Operands by channel of a batch norm's gradient; results are null where nobody reads them.</summary>
internal unsafe struct BatchNormBackwardVectors
{
    internal float* Gamma, Mean, InverseDeviation, GammaGradient, BetaGradient;

    internal static BatchNormBackwardVectors Of(Node norm, OperandAddresses at) => new()
    {
        Gamma = at.Floats(norm.Inputs[2]),
        Mean = at.Floats(norm.Inputs[3]),
        InverseDeviation = at.Floats(norm.Inputs[4]),
        GammaGradient = at.FloatsOrNull(norm.Outputs[1]),
        BetaGradient = at.FloatsOrNull(norm.Outputs[2]),
    };

    /// <summary>
    /// With g the incoming gradient and d = x - mean, one channel's sum(g) and sum(g * d) over <paramref name="rows"/> to the
    /// gradients of beta and gamma and to the coefficients of dx.
    /// </summary>
    internal readonly void Conclude(nint channel, double sum, double product, double rows, BatchNormCoefficients coefficients)
    {
        double inverseDeviation = InverseDeviation[channel];
        double gammaGradient = product * inverseDeviation;
        if (BetaGradient != null)
            BetaGradient[channel] = (float)sum;
        if (GammaGradient != null)
            GammaGradient[channel] = (float)gammaGradient;
        coefficients.Scale[channel] = (float)(Gamma[channel] * inverseDeviation);
        coefficients.Offset[channel] = (float)(sum / rows);
        coefficients.Slope[channel] = (float)(gammaGradient * inverseDeviation / rows);
    }
}
