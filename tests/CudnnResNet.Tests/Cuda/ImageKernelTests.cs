using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Cuda.Kernels.Input;
using CudnnResNet.Imaging;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Imaging.Resampling;

namespace CudnnResNet.Tests.Cuda;

/// <summary>Bytes to normalised images against plain arithmetic in double, and the resize against the CPU's, which is held to Pillow's.</summary>
public sealed unsafe class ImageKernelTests
{
    private const int Tile = 16;

    /// <summary>Odd sizes, so that vectors have tails and channels begin anew inside of them.</summary>
    [HostKernelTheory]
    [InlineData("f32", 1, 1, 1)]
    [InlineData("f32", 35, 3, 3)]
    [InlineData("f32", 7, 3, 4)]
    [InlineData("f32", 7, 3, 5)]
    [InlineData("bf16", 100, 3, 3)]
    [InlineData("bf16", 9, 3, 8)]
    [InlineData("f16", 33, 7, 7)]
    [InlineData("f16", 9, 3, 8)]
    [InlineData("f16", 9, 65, 72)]
    public void BytesAreNormalised(string type, int pixels, int channels, int padded)
    {
        byte[] x = new byte[pixels * channels];
        new Random(1).NextBytes(x);
        double[] scale = [.. Enumerable.Range(0, channels).Select(c => 0.01 + 0.001 * c)];
        double[] shift = [.. Enumerable.Range(0, channels).Select(c => -2 + 0.1 * c)];
        using KernelMemory bytes = KernelMemory.Of<byte>(x), y = Elements.Memory(new double[pixels * padded], type);
        using KernelMemory scales = Elements.Memory(scale, "f32"), shifts = Elements.Memory(shift, "f32");
        HostKernels.Run($"normalize_bytes_{type}", 2, bytes, y, Factors(scales, shifts), (long)pixels, channels, padded);
        double[] expected = new double[pixels * padded];
        for (int pixel = 0; pixel < pixels; pixel++)
            for (int c = 0; c < channels; c++)
                expected[pixel * padded + c] = (float)Math.FusedMultiplyAdd(x[pixel * channels + c], (float)scale[c], (float)shift[c]);
        Assert.Equal(Elements.Rounded(expected, type), Elements.Of(y, type));
    }

    /// <summary>Reductions small and large, enlargement, one axis of each; twice the tile and less than it.</summary>
    [HostKernelTheory]
    [InlineData(61, 43, 30, 21)]
    [InlineData(61, 43, 17, 40)]
    [InlineData(61, 43, 100, 97)]
    [InlineData(61, 43, 61, 43)]
    [InlineData(500, 375, 224, 224)]
    [InlineData(640, 90, 33, 5)]
    [InlineData(1, 1, 5, 3)]
    [InlineData(3000, 7, 9, 70)]
    public void ResizedImagesAreTheCpusWithinALevel(int width, int height, int toWidth, int toHeight)
    {
        using Picture picture = new(width, height, seed: width);
        using Resampler resampler = new();
        foreach (bool mirrored in (bool[])[false, true])
        {
            byte[] expected = new byte[toWidth * toHeight * 3];
            fixed (byte* to = expected)
                resampler.Resize(picture.View, ResizeRegion.All(toWidth, toHeight), to, toWidth * 3, ResampleFilter.Bilinear, mirrored);
            RequireLevels(expected, Resampled(picture.Full(toWidth, toHeight) with { Mirrored = mirrored ? 1 : 0 }, toHeight, toWidth));
        }
    }

    /// <summary>Crops of the source, of which no pixel outside counts; several images of different sizes in one launch.</summary>
    [HostKernelFact]
    public void EachImageOfABatchIsItsOwn()
    {
        const int Side = 40;
        using Picture a = new(90, 70, seed: 1), b = new(33, 200, seed: 2);
        using Resampler resampler = new();
        (Picture Picture, CropWindow Crop)[] parts = [(a, new(5, 6, 50, 44)), (b, new(0, 150, 33, 50)), (a, new(88, 0, 2, 70))];
        byte[] expected = new byte[parts.Length * Side * Side * 3];
        fixed (byte* to = expected)
            for (int i = 0; i < parts.Length; i++)
                resampler.Resize(parts[i].Picture.View.Crop(parts[i].Crop.Left, parts[i].Crop.Top, parts[i].Crop.Width, parts[i].Crop.Height),
                    ResizeRegion.All(Side, Side), to + i * Side * Side * 3, Side * 3, ResampleFilter.Bilinear);
        RequireLevels(expected, Resampled([.. parts.Select(part => part.Picture.Full(Side, Side) with
        {
            Pixels = part.Picture.At(part.Crop.Left, part.Crop.Top), Width = part.Crop.Width, Height = part.Crop.Height,
        })], Side, Side, 3));
    }

    /// <summary>The shorter side scaled, the middle cut out; what the image does not fill is black.</summary>
    [HostKernelTheory]
    [InlineData(90, 70, 32, 28)]
    [InlineData(70, 90, 33, 28)]
    [InlineData(40, 60, 24, 31)]
    [InlineData(20, 25, 0, 31)]
    public void TheEvaluationTransformIsTheCpus(int width, int height, int resize, int crop)
    {
        using Picture picture = new(width, height, seed: 9);
        using Resampler resampler = new();
        EvaluationTransform transform = new(resize, crop);
        byte[] expected = new byte[crop * crop * 3];
        fixed (byte* to = expected)
            transform.Apply(picture.View, resampler, to);
        RequireLevels(expected, Resampled(picture.Placed(transform), crop, crop));
    }

    [HostKernelTheory]
    [InlineData("f32", 3)]
    [InlineData("f32", 4)]
    [InlineData("bf16", 8)]
    [InlineData("f16", 8)]
    [InlineData("f16", 5)]
    public void ResizedImagesAreNormalisedAndPadded(string type, int padded)
    {
        const int Side = 20;
        using Picture picture = new(45, 33, seed: 4);
        byte[] levels = [.. Resampled(picture.Full(Side, Side), Side, Side).Select(value => (byte)value)];
        double[] scale = [0.01, 0.02, 0.03], shift = [-1, -2, -3];
        double[] expected = new double[Side * Side * padded];
        for (int i = 0; i < levels.Length; i++)
            expected[i / 3 * padded + i % 3] = (float)Math.FusedMultiplyAdd(levels[i], (float)scale[i % 3], (float)shift[i % 3]);
        Assert.Equal(Elements.Rounded(expected, type), Resampled([picture.Full(Side, Side)], Side, Side, padded, type, scale, shift));
    }

    private static double[] Resampled(ImageView view, int height, int width) => Resampled([view], height, width, 3);

    private static double[] Resampled(ImageView[] views, int height, int width, int padded, string type = "f32", double[]? scale = null, double[]? shift = null)
    {
        using KernelMemory table = KernelMemory.Of<ImageView>(views);
        using KernelMemory y = Elements.Memory(new double[views.Length * height * width * padded], type);
        using KernelMemory scales = Elements.Memory(scale ?? [1, 1, 1], "f32"), shifts = Elements.Memory(shift ?? [0, 0, 0], "f32");
        int tiles = (height + Tile - 1) / Tile * ((width + Tile - 1) / Tile);
        HostKernels.Run($"resample_images_{type}", views.Length * tiles, table, y, Factors(scales, shifts), height, width, padded);
        return Elements.Of(y, type);
    }

    /// <summary>Weights have 16 bits on the CPU and 24 here: what lies that near to a half, few levels, is rounded apart by one.</summary>
    private static void RequireLevels(byte[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        int apart = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.InRange(actual[i], expected[i] - 1, expected[i] + 1);
            apart += actual[i] != expected[i] ? 1 : 0;
        }
        Assert.True(apart <= expected.Length / 20 + 1, $"{apart} of {expected.Length} levels differ");
    }

    private static LaunchArgument Factors(KernelMemory scales, KernelMemory shifts) =>
        LaunchArgument.Of(new ChannelFactors(scales.Address, shifts.Address));

    /// <summary>An image of noise over slopes, with room behind its last row, which the CPU's vectors read.</summary>
    private sealed class Picture : IDisposable
    {
        private readonly byte* _pixels;
        private readonly int _width;
        private readonly int _height;

        public Picture(int width, int height, int seed)
        {
            (_width, _height) = (width, height);
            _pixels = (byte*)NativeMemory.AllocZeroed((nuint)(width * height * 3 + 64));
            Random random = new(seed);
            for (int i = 0; i < width * height * 3; i++)
                _pixels[i] = (byte)(random.Next(128) + i / 3 % width * 127 / width);
        }

        public PixelView View => new(_pixels, _width, _height, _width * 3);

        public CUdeviceptr At(int left, int top) => new((ulong)(_pixels + (top * _width + left) * 3));

        public ImageView Full(int toWidth, int toHeight) => new()
        {
            Pixels = At(0, 0),
            StrideBytes = _width * 3,
            Width = _width,
            Height = _height,
            WholeWidth = toWidth,
            WholeHeight = toHeight,
            Columns = toWidth,
            Rows = toHeight,
        };

        public ImageView Placed(EvaluationTransform transform)
        {
            (int width, int height) = transform.Resized(_width, _height);
            (int left, int toLeft, int columns) = transform.Place(width);
            (int top, int toTop, int rows) = transform.Place(height);
            return Full(width, height) with { Left = left, ToLeft = toLeft, Columns = columns, Top = top, ToTop = toTop, Rows = rows };
        }

        public void Dispose() => NativeMemory.Free(_pixels);
    }
}
