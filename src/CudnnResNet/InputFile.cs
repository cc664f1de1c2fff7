namespace CudnnResNet;

/// <summary>Opens and reads files that users name; what the operating system refuses becomes a <see cref="ResNetException"/>.</summary>
internal static class InputFile
{
    /// <summary>Runs <paramref name="read"/> on the open file, positioned at its start.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kind">What the file ought to be, for the message: "safetensors file".</param>
    /// <param name="read">Reads the file; its own <see cref="ResNetException"/> passes unchanged.</param>
    /// <exception cref="ResNetException">The file is missing, is a folder, or cannot be read.</exception>
    public static T Read<T>(string path, string kind, Func<FileStream, T> read)
    {
        using FileStream stream = Open(path, kind);
        try
        {
            return read(stream);
        }
        catch (IOException e)
        {
            throw Unreadable(path, e);
        }
    }

    /// <summary>The whole file, which must be under 2 GB.</summary>
    /// <exception cref="ResNetException">As <see cref="Read"/>, or the file is too long for one array.</exception>
    public static byte[] ReadAll(string path, string kind) => Read(path, kind, stream =>
    {
        if (stream.Length > Array.MaxLength)
            throw new ResNetException($"{path}: has {stream.Length} bytes; a {kind} over 2 GB is not read, so split it");
        var bytes = new byte[stream.Length];
        ReadExactly(stream, bytes, path);
        return bytes;
    });

    /// <summary>Fills <paramref name="destination"/>; a file that shrank meanwhile is an error.</summary>
    public static void ReadExactly(Stream stream, Span<byte> destination, string nameForErrors)
    {
        int got = stream.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false);
        if (got < destination.Length)
            throw new ResNetException($"{nameForErrors}: truncated: ends {destination.Length - got} bytes early; copy or export it again");
    }

    /// <summary>A file that stays open; its position is its start.</summary>
    /// <exception cref="ResNetException">As <see cref="Read"/>.</exception>
    public static FileStream Open(string path, string kind)
    {
        if (FileKind.IsSpecial(path))
            throw new ResNetException($"{path}: not a regular file; give the path of a {kind}");
        try
        {
            // Unbuffered: the readers ask for large pieces.
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ResNetException($"{path}: no such {kind}; check the path", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ResNetException(Directory.Exists(path)
                ? $"{path}: is a folder; give the path of a {kind}"
                : $"{path}: may not be read; check its permissions", e);
        }
        catch (IOException e)
        {
            throw Unreadable(path, e);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new ResNetException($"'{path}': not a usable path; give the path of a {kind}", e);
        }
    }

    /// <summary>What reading from an open file turns an I/O error into.</summary>
    public static ResNetException Unreadable(string path, IOException e) =>
        new($"{path}: cannot be read ({e.Message}); check the disk and try again", e);
}
