using CudnnResNet.Data;
using CudnnResNet.Imaging.Augmenting;

namespace CudnnResNet.Tests.Imaging;

public class AugmentationTests
{
    private const int Width = 61;
    private const int Height = 43;

    /// <summary>Operations on colours round as Pillow does: equal but for one value in a thousand.</summary>
    [Theory]
    [InlineData("brightness")]
    [InlineData("contrast")]
    [InlineData("saturation")]
    [InlineData("hue")]
    [InlineData("sharpness")]
    [InlineData("blur")]
    [InlineData("posterize")]
    [InlineData("solarize")]
    [InlineData("autocontrast")]
    [InlineData("equalize")]
    [InlineData("rotate")]
    [InlineData("shear")]
    [InlineData("shear_down")]
    [InlineData("translate")]
    public void OperationsAreThoseOfTorchvision(string name)
    {
        byte[] rgb = ImageFixture.Expected("rgb.png").Pixels;
        byte[] copy = new byte[rgb.Length];
        switch (name)
        {
            case "brightness": ColourOperations.Brightness(rgb, 1.45f); break;
            case "contrast": ColourOperations.Contrast(rgb, 0.55f); break;
            case "saturation": ColourOperations.Saturation(rgb, 1.8f); break;
            case "hue": ColourOperations.Hue(rgb, (int)(0.2 * 255)); break;
            case "sharpness": ColourOperations.Sharpness(rgb, copy, Width, 1.7f); break;
            case "blur": ColourOperations.Sharpness(rgb, copy, Width, 0.2f); break;
            case "posterize": ColourOperations.Posterize(rgb, 5); break;
            case "solarize": ColourOperations.Solarize(rgb, 140); break;
            case "autocontrast":
                ColourOperations.Contrast(rgb, 0.5f);
                ColourOperations.AutoContrast(rgb);
                break;
            case "equalize": ColourOperations.Equalize(rgb); break;
            case "rotate": AffineOperation.Rotate(21, Width, Height).Apply(rgb, copy, Width); break;
            case "shear": AffineOperation.ShearX(0.21).Apply(rgb, copy, Width); break;
            case "shear_down": AffineOperation.ShearY(-0.15).Apply(rgb, copy, Width); break;
            default: AffineOperation.Translate(9, -4).Apply(rgb, copy, Width); break;
        }
        ImageFixture.RequireEqual(ImageFixture.Expected($"augmented_{name}").Pixels, rgb);
    }

    /// <summary>All fourteen operations come up, and equal numbers do equal things.</summary>
    [Fact]
    public void RandAugmentTakesEveryOperation()
    {
        byte[] original = ImageFixture.Expected("rgb.png").Pixels;
        HashSet<string> results = [];
        for (ulong n = 0; n < 300; n++)
            results.Add(Once(n));
        // The identity and 13 more, of which nine have two signs.
        Assert.InRange(results.Count, 14, 1 + 13 + 9);
        Assert.Contains(Convert.ToBase64String(original), results);
        Assert.Equal(Once(7), Once(7));

        string Once(ulong n)
        {
            byte[] rgb = [.. original];
            new RandAugment(1, 9).Apply(rgb, new byte[rgb.Length], Width, CounterRandom.For(1, 2, n));
            return Convert.ToBase64String(rgb);
        }
    }

    [Fact]
    public void ColoursAreJitteredWithinTheirBounds()
    {
        byte[] grey = [.. Enumerable.Repeat((byte)100, 300)];
        (int least, int most) = (255, 0);
        for (ulong n = 0; n < 200; n++)
        {
            byte[] rgb = [.. grey];
            new ColourJitter(Brightness: 0.3).Apply(rgb, CounterRandom.For(1, 2, n));
            Assert.All(rgb, value => Assert.Equal(rgb[0], value));
            (least, most) = (Math.Min(least, rgb[0]), Math.Max(most, rgb[0]));
            rgb = [.. grey];
            // Neither contrast, saturation nor hue moves a grey image.
            new ColourJitter(Contrast: 0.5, Saturation: 0.5, Hue: 0.5).Apply(rgb, CounterRandom.For(1, 2, n));
            Assert.Equal(grey, rgb);
        }
        Assert.InRange(least, 70, 73);
        Assert.InRange(most, 127, 130);
    }

    [Fact]
    public void NumbersWithoutMeaningAreRefused()
    {
        Assert.Throws<ResNetException>(() => new ColourJitter(Hue: 0.6).Validate());
        Assert.Throws<ResNetException>(() => new ColourJitter(Brightness: -1).Validate());
        Assert.Throws<ResNetException>(() => new RandAugment(0).Validate());
        Assert.Throws<ResNetException>(() => new RandAugment(2, 31).Validate());
    }
}
