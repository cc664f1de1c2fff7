using System.Security.Cryptography;
using System.Text;

namespace CudnnResNet.Cuda.Engines;

/// <summary>
/// Engines that plans have chosen, in cuDNN's own text form: restored, an engine needs neither heuristics nor a compiler.
/// One file for each device, library version, graph and rank, which names these and the checksum of its text; a stale or
/// damaged one, and what cuDNN does not take back, is deleted and asked for anew.
/// </summary>
/// <param name="folder">Null keeps nothing.</param>
/// <param name="identity">Device and library versions.</param>
internal sealed class EngineFiles(string? folder, string identity)
{
    private const int HeaderBytes = 2 * KeyDigits + 2;
    private const int KeyDigits = 32;

    internal bool Has(string graph, int rank) => folder is not null && File.Exists(PathOf(KeyOf(graph, rank)));

    internal byte[]? Find(string graph, int rank)
    {
        if (!Has(graph, rank))
            return null;
        string key = KeyOf(graph, rank);
        try
        {
            byte[] file = File.ReadAllBytes(PathOf(key));
            byte[] text = file[Math.Min(HeaderBytes, file.Length)..];
            if (file.AsSpan(0, file.Length - text.Length).SequenceEqual(Header(key, text)))
                return text;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        Forget(graph, rank);
        return null;
    }

    /// <summary>A folder that cannot be written costs the next start some seconds, nothing else.</summary>
    internal void Keep(string graph, int rank, byte[] text)
    {
        if (folder is null || Has(graph, rank))
            return;
        string key = KeyOf(graph, rank);
        try
        {
            Directory.CreateDirectory(folder);
            AtomicFile.Write(PathOf(key), stream =>
            {
                stream.Write(Header(key, text));
                stream.Write(text);
            });
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ResNetException)
        {
        }
    }

    /// <summary>The file is no use; the engine that is found instead can be kept.</summary>
    internal void Forget(string graph, int rank)
    {
        try
        {
            File.Delete(PathOf(KeyOf(graph, rank)));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static byte[] Header(string key, byte[] text) => Encoding.ASCII.GetBytes($"{key} {Digits(text)}\n");

    private string KeyOf(string graph, int rank) => Digits(Encoding.UTF8.GetBytes($"{identity}\n{graph}\n{rank}"));

    private static string Digits(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes))[..KeyDigits];

    private string PathOf(string key) => Path.Combine(folder!, $"{key}.engine");
}
