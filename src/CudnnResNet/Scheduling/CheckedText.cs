using System.Security.Cryptography;
using System.Text;

namespace CudnnResNet.Scheduling;

/// <summary>A text file whose first line holds its format and the checksum of the rest, so that damage is seen.</summary>
internal static class CheckedText
{
    /// <summary>Replaces the file whole or not at all; makes its folder.</summary>
    /// <returns>False where it cannot be written.</returns>
    public static bool TryWrite(string path, string format, string body)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes($"{format} {Checksum(body)}\n{body}")));
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ResNetException)
        {
            return false;
        }
    }

    /// <summary>What was written; null where the file is missing, of another format or damaged.</summary>
    public static string? Read(string path, string format)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        int end = text.IndexOf('\n', StringComparison.Ordinal);
        if (end < 0)
            return null;
        string body = text[(end + 1)..];
        return text[..end] == $"{format} {Checksum(body)}" ? body : null;
    }

    private static string Checksum(string body) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)));
}
