using System.Collections.Immutable;

namespace CudnnResNet.Data;

/// <summary>Mean and population standard deviation of each channel, over all pixels of a set.</summary>
public sealed record DatasetStatistics(ImmutableArray<double> Mean, ImmutableArray<double> Std)
{
    /// <summary>Two passes in double, so that nothing cancels.</summary>
    public static DatasetStatistics Of(IDataSet set)
    {
        var image = new float[set.ImageElements()];
        double pixels = (double)set.Count * set.Height * set.Width;

        var mean = new double[set.Channels];
        for (int n = 0; n < set.Count; n++)
        {
            set.ReadImage(n, image);
            for (int i = 0; i < image.Length; i += mean.Length)
            {
                for (int c = 0; c < mean.Length; c++)
                    mean[c] += image[i + c];
            }
        }
        for (int c = 0; c < mean.Length; c++)
            mean[c] /= pixels;

        var std = new double[set.Channels];
        for (int n = 0; n < set.Count; n++)
        {
            set.ReadImage(n, image);
            for (int i = 0; i < image.Length; i += std.Length)
            {
                for (int c = 0; c < std.Length; c++)
                {
                    double centred = image[i + c] - mean[c];
                    std[c] += centred * centred;
                }
            }
        }
        for (int c = 0; c < std.Length; c++)
            std[c] = Math.Sqrt(std[c] / pixels);
        return new DatasetStatistics([.. mean], [.. std]);
    }
}
