namespace CudnnResNet.Data;

/// <summary>
/// CIFAR-10 and CIFAR-100 in their binary versions (Krizhevsky, 2009): records of one label, or a coarse and a fine one, and
/// 32 x 32 pixels, channel by channel.
/// </summary>
public static class CifarBinary
{
    private const int Side = 32;
    private const int Channels = 3;
    private const int Pixels = Side * Side;
    private static readonly string[] Names10 =
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    /// <summary>The folder has a part to train and one to test.</summary>
    public static bool HasParts(string folder, bool hundred) => Directory.Exists(folder)
        && Files(folder, hundred, train: true).Length > 0 && Files(folder, hundred, train: false).Length > 0;

    /// <param name="path">A file, or the folder of the files.</param>
    /// <param name="hundred">CIFAR-100, by its fine labels.</param>
    /// <param name="train">Of a folder, the part to train.</param>
    /// <exception cref="ResNetException">A file is missing or has another length than its records take, or a label is no class.</exception>
    public static ByteImageSet Load(string path, bool hundred, bool train)
    {
        string[] files = Directory.Exists(path) ? Files(path, hundred, train) : [path];
        if (files.Length == 0)
            throw new ResNetException($"{path}: holds no {(hundred ? "train.bin or test.bin" : "data_batch_1.bin to 5 or test_batch.bin")}; give the folder of the binary version");
        int labelBytes = hundred ? 2 : 1;
        int recordBytes = labelBytes + Channels * Pixels;
        byte[][] contents = [.. files.Select(file => InputFile.ReadAll(file, "CIFAR file"))];
        for (int i = 0; i < files.Length; i++)
            if (contents[i].Length == 0 || contents[i].Length % recordBytes != 0)
                throw new ResNetException($"{files[i]}: has {contents[i].Length} bytes, which are not records of {recordBytes}; give the binary version of CIFAR-{(hundred ? 100 : 10)}");
        int count = contents.Sum(content => content.Length / recordBytes);
        int[] labels = new int[count];
        byte[] nhwc = new byte[(long)count * Channels * Pixels];
        int image = 0;
        foreach (byte[] content in contents)
            for (int at = 0; at < content.Length; at += recordBytes, image++)
            {
                labels[image] = content[at + labelBytes - 1];
                Interleave(content.AsSpan(at + labelBytes, Channels * Pixels), nhwc.AsSpan(image * Channels * Pixels, Channels * Pixels));
            }
        string folder = Directory.Exists(path) ? path : Path.GetDirectoryName(Path.GetFullPath(path))!;
        return new ByteImageSet(path, nhwc, (Side, Side, Channels), labels, NamesOf(folder, hundred));
    }

    private static void Interleave(ReadOnlySpan<byte> chw, Span<byte> hwc)
    {
        for (int c = 0; c < Channels; c++)
            for (int i = 0; i < Pixels; i++)
                hwc[i * Channels + c] = chw[c * Pixels + i];
    }

    private static string[] Files(string folder, bool hundred, bool train)
    {
        string[] names = (hundred, train) switch
        {
            (true, true) => ["train.bin"],
            (true, false) => ["test.bin"],
            (false, true) => [.. Enumerable.Range(1, 5).Select(i => $"data_batch_{i}.bin")],
            (false, false) => ["test_batch.bin"],
        };
        return [.. names.Select(name => Path.Combine(folder, name)).Where(File.Exists)];
    }

    private static string[] NamesOf(string folder, bool hundred)
    {
        string file = Path.Combine(folder, hundred ? "fine_label_names.txt" : "batches.meta.txt");
        int classes = hundred ? 100 : 10;
        string[] names = File.Exists(file) ? [.. File.ReadAllLines(file).Where(line => line.Length > 0)] : [];
        return names.Length == classes ? names : hundred ? [.. Enumerable.Range(0, classes).Select(label => $"{label}")] : Names10;
    }
}
