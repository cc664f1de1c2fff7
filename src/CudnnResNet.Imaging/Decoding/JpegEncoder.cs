using System.Runtime.InteropServices;
using CudnnResNet.Imaging.Interop;

namespace CudnnResNet.Imaging.Decoding;

/// <summary>RGB to JPEG through libjpeg-turbo, with chroma at half resolution.</summary>
internal static unsafe class JpegEncoder
{
    public static byte[] Encode(PixelView image, int quality)
    {
        ImagingLibraries.Require(ImagingLibraries.Jpeg, "writing JPEG");
        using TurboJpegHandle handle = TurboJpeg.tjInitCompress();
        byte* bytes = null;
        CULong length = new(0);
        try
        {
            if (handle.IsInvalid || TurboJpeg.tjCompress2(handle, image.Address, image.Width, image.StrideBytes, image.Height,
                    TurboJpeg.TJPF_RGB, &bytes, &length, TurboJpeg.TJSAMP_420, quality, flags: 0) != 0)
                throw new InvalidOperationException($"tjCompress2 of {image.Width} x {image.Height} pixels failed");
            return new ReadOnlySpan<byte>(bytes, checked((int)length.Value)).ToArray();
        }
        finally
        {
            TurboJpeg.tjFree(bytes);
        }
    }
}
