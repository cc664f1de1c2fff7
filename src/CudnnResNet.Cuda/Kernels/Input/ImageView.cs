using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Cuda.Kernels.Input;

/// <summary>The structure of images.cu: part of a decoded image, and where it goes.</summary>
internal record struct ImageView
{
    /// <summary>RGB, the part's first.</summary>
    public CUdeviceptr Pixels;

    /// <summary>From row to row.</summary>
    public long StrideBytes;

    /// <summary>Of the part; pixels around it do not count.</summary>
    public int Width;
    public int Height;

    /// <summary>What the part is scaled to.</summary>
    public int WholeWidth;
    public int WholeHeight;

    /// <summary>The first of the scaled pixels that are made.</summary>
    public int Left;
    public int Top;

    /// <summary>Where they go; around them is black.</summary>
    public int ToLeft;
    public int ToTop;
    public int Columns;
    public int Rows;

    public int Mirrored;
}

/// <summary>The structure of images.cu: what each channel is multiplied by, and what is added then.</summary>
internal readonly record struct ChannelFactors(CUdeviceptr Scale, CUdeviceptr Shift);
