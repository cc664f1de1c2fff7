using CudnnResNet.Imaging;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Tests.Imaging;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Cuda;

/// <summary>A folder of small JPEG files in two classes, with what only the host reads among them on request.</summary>
internal sealed class EncodedImageFolder : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <param name="count">Files.</param>
    /// <param name="width">Of each.</param>
    /// <param name="height">Of each.</param>
    public EncodedImageFolder(int count, int width, int height)
    {
        for (int i = 0; i < count; i++)
            Add($"{i:000}.jpg", i % 2, Encode(width, height, seed: i));
    }

    public void Add(string name, int label, byte[] bytes)
    {
        string folder = _folder.File(label == 0 ? "a" : "b");
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, name), bytes);
    }

    public void AddFixture(string name, int label) => Add(name, label, ImageFixture.Bytes(name));

    public ImageFileSet Open(ImageOptions options) => new(ImageListing.OfFolder(_folder.Path), options);

    /// <summary>Slopes with some noise, as JPEG likes them.</summary>
    public static unsafe byte[] Encode(int width, int height, int seed)
    {
        Random random = new(seed);
        byte[] pixels = new byte[width * height * 3];
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)(i / 3 % width * 200 / width + i % 3 * 15 + random.Next(24) + seed % 7);
        fixed (byte* first = pixels)
            return JpegEncoder.Encode(new PixelView(first, width, height, width * 3), quality: 90);
    }

    public void Dispose() => _folder.Dispose();
}

/// <summary>A fact about files that a device decodes: real, or simulated with libjpeg-turbo.</summary>
public sealed class DeviceJpegFactAttribute : FactAttribute
{
    public DeviceJpegFactAttribute() => Skip = Refusal;

    internal static string? Refusal => DeviceUnderTest.Refusal ?? ImagingProbe.Run().Refusal
        ?? DeviceUnderTest.Probe.Optional.First(library => library.Name == "nvJPEG").Refusal;
}
