using System.Buffers.Binary;
using System.Runtime.InteropServices;
using CudnnResNet.Data;
using CudnnResNet.Imaging.Interop;

namespace CudnnResNet.Imaging.Decoding;

/// <summary>
/// JPEG to upright RGB through libjpeg-turbo: with the slow, exact inverse DCT and smooth chroma upsampling, as Pillow
/// decodes. Not for two threads at once.
/// </summary>
internal sealed unsafe class JpegDecoder : IDisposable
{
    private const int LargestReduction = 8;

    private static ReadOnlySpan<byte> EndOfImage => [0xFF, 0xD9];

    private TurboJpegHandle _handle;
    private readonly ByteStore _cmyk = new();

    /// <exception cref="ResNetException">libturbojpeg is not there.</exception>
    public JpegDecoder()
    {
        ImagingLibraries.Require(ImagingLibraries.Jpeg, "reading JPEG");
        _handle = Open();
    }

    public static bool Recognises(ReadOnlySpan<byte> file) => file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]);

    /// <summary>How much smaller a side may become, 1, 2, 4 or 8 times, and still have as many pixels as are enough.</summary>
    /// <param name="side">Of the image, or of the part of it that is wanted.</param>
    /// <param name="enough">0 leaves it as it is.</param>
    public static int Reduction(int side, int enough)
    {
        int reduction = 1;
        while (enough > 0 && reduction < LargestReduction && side / (2 * reduction) >= enough)
            reduction *= 2;
        return reduction;
    }

    /// <summary>The size of the upright image, from the file's header.</summary>
    /// <inheritdoc cref="Decode"/>
    public (int Width, int Height) Measure(ReadOnlySpan<byte> file, string name, DecodeLimits limits)
    {
        int width = 0, height = 0, subsampling, colours;
        fixed (byte* bytes = file)
            if (TurboJpeg.tjDecompressHeader3(_handle, bytes, new CULong((nuint)file.Length), &width, &height, &subsampling, &colours) != 0)
                RefuseUnlessUsable(name, hasHeader: width > 0);
        limits.Check(name, width, height);
        return ExifOrientation.OfJpeg(file) >= 5 ? (height, width) : (width, height);
    }

    /// <summary>
    /// The size where any decoder of JPEG makes the same image of the file, hardware too: upright, of one or three components,
    /// not progressive, and not cut short; else null.
    /// </summary>
    /// <inheritdoc cref="Decode"/>
    public (int Width, int Height)? MeasurePlain(ReadOnlySpan<byte> file, string name, DecodeLimits limits)
    {
        int width = 0, height = 0, subsampling, colours;
        fixed (byte* bytes = file)
            if (TurboJpeg.tjDecompressHeader3(_handle, bytes, new CULong((nuint)file.Length), &width, &height, &subsampling, &colours) != 0)
                RefuseUnlessUsable(name, hasHeader: width > 0);
        limits.Check(name, width, height);
        return colours is TurboJpeg.TJCS_CMYK or TurboJpeg.TJCS_YCCK || ExifOrientation.OfJpeg(file) != 1 || !IsBaseline(file)
            || !file.EndsWith(EndOfImage)
            ? null
            : (width, height);
    }

    /// <summary>One start of a frame stands before the first scan, that of a baseline image (SOF0): of two, decoders may take either.</summary>
    private static bool IsBaseline(ReadOnlySpan<byte> file)
    {
        int at = 2, frames = 0;
        while (at + 4 <= file.Length && file[at] == 0xFF && file[at + 1] != 0xDA)
        {
            byte marker = file[at + 1];
            // C4, C8 and CC are no frames: tables, and one that is reserved.
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC) && (marker != 0xC0 || frames++ > 0))
                return false;
            at += marker == 0xFF ? 1 : 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
        }
        return frames == 1;
    }

    /// <param name="file">The whole file.</param>
    /// <param name="name">For messages.</param>
    /// <param name="limits">What is refused.</param>
    /// <param name="reduction">Decode at 1 / reduction of the size: 1, 2, 4 or 8.</param>
    /// <param name="pixels">Receives the image.</param>
    /// <exception cref="DamagedImageException">Damaged, truncated, or past the limits.</exception>
    public void Decode(ReadOnlySpan<byte> file, string name, DecodeLimits limits, int reduction, PixelBuffer pixels)
    {
        int width = 0, height = 0, subsampling, colours;
        fixed (byte* bytes = file)
        {
            var length = new CULong((nuint)file.Length);
            if (TurboJpeg.tjDecompressHeader3(_handle, bytes, length, &width, &height, &subsampling, &colours) != 0)
                RefuseUnlessUsable(name, hasHeader: width > 0);
            limits.Check(name, width, height);
            (width, height) = ((width + reduction - 1) / reduction, (height + reduction - 1) / reduction);
            byte* rgb = pixels.Resize(width, height);
            bool isCmyk = colours is TurboJpeg.TJCS_CMYK or TurboJpeg.TJCS_YCCK;
            byte* into = isCmyk ? _cmyk.Reserve((long)width * height * 4) : rgb;
            // A bomb of a thousand scans of one progressive image would be decoded for minutes.
            if (TurboJpeg.tjDecompress2(_handle, bytes, length, into, width, pitch: 0, height,
                    isCmyk ? TurboJpeg.TJPF_CMYK : TurboJpeg.TJPF_RGB, TurboJpeg.TJFLAG_LIMITSCANS) != 0)
                RefuseUnlessUsable(name, hasHeader: true);
            if (isCmyk)
                RgbFromInvertedCmyk(into, rgb, (long)width * height);
        }
        pixels.Upright(ExifOrientation.OfJpeg(file));
    }

    public void Dispose()
    {
        _handle.Dispose();
        _cmyk.Dispose();
    }

    private static TurboJpegHandle Open()
    {
        TurboJpegHandle handle = TurboJpeg.tjInitDecompress();
        return handle.IsInvalid ? throw new InvalidOperationException("tjInitDecompress failed") : handle;
    }

    /// <summary>Odd bytes between segments are common and harmless; a file that ends early has lost its picture's end.</summary>
    private void RefuseUnlessUsable(string name, bool hasHeader)
    {
        string reason = Marshal.PtrToStringUTF8((nint)TurboJpeg.tjGetErrorStr2(_handle)) ?? "no reason given";
        // A failure behind a warning is called a warning as well.
        bool isUsable = hasHeader && TurboJpeg.tjGetErrorCode(_handle) == TurboJpeg.TJERR_WARNING
            && !reason.Contains("Premature end of JPEG file", StringComparison.Ordinal);
        if (isUsable)
            return;
        // A bad Huffman table stays in the decompressor and spoils every file after it (libjpeg-turbo 2.1).
        _handle.Dispose();
        _handle = Open();
        throw new DamagedImageException($"{name}: not a readable JPEG file: {reason.ReplaceLineEndings(" ")}; copy or export it again");
    }

    /// <summary>Adobe's programs, which write nearly all CMYK files, store 255 - ink. Rounded as Pillow rounds.</summary>
    private static void RgbFromInvertedCmyk(byte* cmyk, byte* rgb, long pixels)
    {
        for (long i = 0; i < pixels; i++, cmyk += 4, rgb += 3)
        {
            int light = cmyk[3];
            for (int c = 0; c < 3; c++)
            {
                int product = (255 - cmyk[c]) * light + 128;
                rgb[c] = (byte)Math.Max(0, light - ((product >> 8) + product >> 8));
            }
        }
    }
}
