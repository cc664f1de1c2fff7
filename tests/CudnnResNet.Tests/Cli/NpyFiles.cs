using System.Runtime.InteropServices;
using System.Text;
using CudnnResNet.Data;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Cli;

/// <summary>Writes the .npy files that the commands read.</summary>
internal static class NpyFiles
{
    public static void WriteImages(TemporaryFolder folder, string name, long[] shape, double[] values) =>
        NpyFile.Write(folder.File(name), shape, Array.ConvertAll(values, x => (float)x));

    public static void WriteLabels(TemporaryFolder folder, long[] labels) =>
        Write(folder.File("labels.npy"), "<i8", $"{labels.Length},", MemoryMarshal.AsBytes<long>(labels));

    public static void WriteBytes(string path, string shape, byte[] values) => Write(path, "|u1", shape, values);

    private static void Write(string path, string type, string shape, ReadOnlySpan<byte> data)
    {
        string header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({shape}), }}\n";
        File.WriteAllBytes(path,
            [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), .. data]);
    }
}
