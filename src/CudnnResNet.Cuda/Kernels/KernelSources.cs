using System.Collections.Immutable;
using System.Security.Cryptography;

namespace CudnnResNet.Cuda.Kernels;

/// <summary>The CUDA C++ of native/kernels, embedded as text: programs (.cu) and the headers that they share (.h).</summary>
internal static class KernelSources
{
    private const string Folder = "kernels/";

    /// <summary>Name and text of each header, in the order of their names: NVRTC is given them in it.</summary>
    internal static ImmutableArray<(string Name, byte[] Text)> Headers { get; } =
        [.. Names(".h").Select(name => (name, Read(name)))];

    internal static ImmutableArray<string> Programs { get; } = [.. Names(".cu")];

    /// <summary>The text of a program, ended by a zero as C wants it.</summary>
    internal static byte[] Read(string name)
    {
        using Stream stream = typeof(KernelSources).Assembly.GetManifestResourceStream(Folder + name)
            ?? throw new ArgumentException($"There is no kernel source '{name}'.", nameof(name));
        byte[] text = new byte[stream.Length + 1];
        stream.ReadExactly(text.AsSpan(0, text.Length - 1));
        return text;
    }

    /// <summary>Of a program and all headers: programs with equal hashes compile alike.</summary>
    internal static string Hash(string program)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Read(program));
        foreach ((_, byte[] text) in Headers)
            hash.AppendData(text);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static IEnumerable<string> Names(string extension) => typeof(KernelSources).Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith(Folder, StringComparison.Ordinal) && name.EndsWith(extension, StringComparison.Ordinal))
        .Select(name => name[Folder.Length..]).Order(StringComparer.Ordinal);
}
