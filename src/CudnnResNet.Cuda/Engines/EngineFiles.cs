using System.Security.Cryptography;
using System.Text;

namespace CudnnResNet.Cuda.Engines;

/// <summary>
/// Engines that plans have chosen, in cuDNN's own text form: restored, an engine needs neither heuristics nor a compiler.
/// One file for each device, library version, graph and rank; what cuDNN does not take back is asked for anew.
/// </summary>
/// <param name="folder">Null keeps nothing.</param>
/// <param name="identity">Device and library versions.</param>
internal sealed class EngineFiles(string? folder, string identity)
{
    internal byte[]? Find(string graph, int rank)
    {
        try
        {
            return folder is not null && PathOf(graph, rank) is var path && File.Exists(path) ? File.ReadAllBytes(path) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A folder that cannot be written costs the next start some seconds, nothing else.</summary>
    internal void Keep(string graph, int rank, byte[] text)
    {
        if (folder is null || File.Exists(PathOf(graph, rank)))
            return;
        try
        {
            Directory.CreateDirectory(folder);
            AtomicFile.Write(PathOf(graph, rank), stream => stream.Write(text));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ResNetException)
        {
        }
    }

    private string PathOf(string graph, int rank) => Path.Combine(folder!,
        $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{identity}\n{graph}\n{rank}")))[..32]}.json");
}
