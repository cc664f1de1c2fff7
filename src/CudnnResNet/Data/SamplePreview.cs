namespace CudnnResNet.Data;

/// <summary>Single training samples, outside of a run.</summary>
public static class SamplePreview
{
    /// <summary>The sample that training makes of an image in an epoch, before images are mixed: float32 [Height, Width, Channels].</summary>
    /// <exception cref="ResNetException">An option is out of range, or the image cannot be read.</exception>
    public static float[] Make(IDataSet data, LoaderOptions options, long epoch, int index)
    {
        options.Check(data);
        Batch batch = new(1, data.ImageElements());
        new SampleMaker(data, options with { Batch = 1, Accepted = BatchForm.Floats }).Make(new PlannedSample(epoch, index), batch, 0);
        return batch.Images.ToArray();
    }
}
