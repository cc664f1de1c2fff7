using CudnnResNet.Kernels;

namespace CudnnResNet.Data;

/// <summary>A data set whose images are JPEG files, which a device may decode and scale.</summary>
public interface IEncodedSamples : ISampleSource
{
    /// <summary>Training samples need nothing but a crop, a mirror and a bilinear scaling of their file.</summary>
    bool HasPlainSamples { get; }

    /// <summary>The same for evaluation.</summary>
    bool HasPlainImages { get; }

    /// <summary>
    /// The file of a training sample, and its crop: that of <see cref="ISampleSource.ReadSample"/> with the same numbers. False,
    /// and nothing written, where the host must decode it: no JPEG, or one that lies on its side or has four components.
    /// </summary>
    /// <exception cref="DamagedImageException">The file cannot be read.</exception>
    bool TryReadSample(int index, CounterRandom random, EncodedImage to);

    /// <summary>The same for evaluation.</summary>
    /// <inheritdoc cref="TryReadSample"/>
    bool TryReadImage(int index, EncodedImage to);
}
