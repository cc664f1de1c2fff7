using CudnnResNet.Data;
using CudnnResNet.Imaging.Decoding;

namespace CudnnResNet.Tests.Imaging;

/// <summary>The files that make_fixtures.py wrote with Pillow.</summary>
internal static class ImageFixture
{
    public static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, "Imaging/Fixtures", name);

    public static byte[] Bytes(string name) => File.ReadAllBytes(PathOf(name));

    /// <summary>What Pillow reads: uint8 [H, W, 3].</summary>
    public static (byte[] Pixels, int Width, int Height) Expected(string name)
    {
        NpyArray array = NpyFile.Read(PathOf($"{name}.npy"));
        return (array.Data, (int)array.Shape[1], (int)array.Shape[0]);
    }

    public static void Decode(string name, PixelBuffer into, int reduction = 1)
    {
        using ImageDecoder decoder = new(DecodeLimits.Standard);
        decoder.Decode(Bytes(name), name, reduction, into);
    }

    /// <summary>Within one level, on all but one in a thousand.</summary>
    public static void RequireEqual(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        int apart = 0;
        for (int i = 0; i < expected.Length; i++)
            if (Math.Abs(expected[i] - actual[i]) > 1)
                apart++;
        Assert.True(apart <= expected.Length / 1000, $"{apart} of {expected.Length} values differ by more than one level");
    }
}

/// <summary>A test that needs libjpeg-turbo and libpng.</summary>
internal sealed class ImagingFactAttribute : FactAttribute
{
    public ImagingFactAttribute() => Skip = ImagingProbe.Run().Refusal;
}

/// <inheritdoc cref="ImagingFactAttribute"/>
internal sealed class ImagingTheoryAttribute : TheoryAttribute
{
    public ImagingTheoryAttribute() => Skip = ImagingProbe.Run().Refusal;
}
