using System.Text;

using CudnnResNet.Data;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Data;

public class NpyFolderTests
{
    [Fact]
    public void FloatImagesTurnFromNchwToNhwc()
    {
        using var folder = new TemporaryFolder();
        // [2, 3, 1, 2]: value = 100 n + 10 c + w
        float[] nchw = [0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121];
        NpyFile.Write(folder.File("images.npy"), [2, 3, 1, 2], nchw);
        SaveLabels(folder, 2, 0);
        IDataSet set = NpyFolder.Load(folder.Path);
        Assert.Equal((2, 1, 2, 3, 3), (set.Count, set.Height, set.Width, set.Channels, set.ClassCount));
        Assert.Equal(["0", "1", "2"], set.ClassNames);
        Assert.Equal((2, 0), (set.Label(0), set.Label(1)));
        var image = new float[6];
        set.ReadImage(0, image);
        Assert.Equal([0, 10, 20, 1, 11, 21], image);
        set.ReadImage(1, image);
        Assert.Equal([100, 110, 120, 101, 111, 121], image);
    }

    [Fact]
    public void ByteImagesAreNhwcAndDividedBy255()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Fixture.PathOf("u1.npy"), folder.File("images.npy"));
        SaveLabels(folder, 0);
        IDataSet set = NpyFolder.Load(folder.Path, classCount: 5);
        Assert.Equal((1, 2, 3, 4, 5), (set.Count, set.Height, set.Width, set.Channels, set.ClassCount));
        var image = new float[24];
        set.ReadImage(0, image);
        Assert.Equal(Enumerable.Range(0, 24).Select(i => i / 255f), image);
    }

    [Fact]
    public void WhatDoesNotFitIsRefusedByName()
    {
        using var folder = new TemporaryFolder();
        string Load(int? classes = null) => Assert.Throws<ResNetException>(() => NpyFolder.Load(folder.Path, classes)).Message;
        void Images(long[] shape, params float[] values) => NpyFile.Write(folder.File("images.npy"), shape, values);

        Assert.Contains("no such folder", Assert.Throws<ResNetException>(() => NpyFolder.Load(folder.File("absent"))).Message);
        Assert.Contains("labels.npy: no such .npy file", Load());
        SaveLabels(folder, 0, 1);
        Assert.Contains("images.npy: no such .npy file", Load());
        Images([2, 1, 1], 1, 2);
        Assert.Contains("images.npy: holds f32 (2, 1, 1); f32 (N, C, H, W)", Load());
        Images([2, 0, 1, 1]);
        Assert.Contains("holds no pixels", Load());
        Images([3, 1, 1, 1], 1, 2, 3);
        Assert.Contains("3 images but 2 labels", Load());
        Images([2, 1, 1, 1], 1, float.NaN);
        Assert.Contains("image 1 holds NaN", Load());
        Images([2, 1, 1, 1], 1, 2);
        Assert.Contains("label 1 of image 1 is not from 0 to 0", Load(1));
        SaveLabels(folder, 0, -1);
        Assert.Contains("label -1 of image 1", Load());
        SaveLabels(folder, 0, 1L << 40);
        Assert.Contains("label 1099511627776 of image 1", Load());
        SaveLabels(folder);
        Assert.Contains("holds no labels", Load());
        File.Copy(Fixture.PathOf("i4.npy"), folder.File("labels.npy"), overwrite: true);
        Assert.Contains("labels.npy: holds i32 (1, 2, 1); i64 (N,) is needed", Load());
        SaveLabels(folder, 0, 1);
        File.Copy(Fixture.PathOf("i8.npy"), folder.File("images.npy"), overwrite: true);
        Assert.Contains("images.npy: holds i64 (3)", Load());
    }

    internal static void SaveLabels(TemporaryFolder folder, params long[] labels)
    {
        string header = $"{{'descr': '<i8', 'fortran_order': False, 'shape': ({labels.Length},), }}\n";
        File.WriteAllBytes(folder.File("labels.npy"),
            [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), .. labels.SelectMany(BitConverter.GetBytes)]);
    }
}
