namespace CudnnResNet;

/// <summary>
/// Replaces a file whole or not at all: the content goes to a temporary file beside it, is flushed to the disk, renamed
/// over the old file, and the folder is flushed. Whenever the process or the machine stops, either the old or the new
/// content is there.
/// </summary>
public static class AtomicFile
{
    private const int DiskFull = 28;        // ENOSPC, which .NET passes on as HResult
    private const int QuotaReached = 122;   // EDQUOT on Linux
    private const int WindowsDiskFull = unchecked((int)0x80070070);

    /// <summary>Writes the file at <paramref name="path"/>; its folder must exist.</summary>
    /// <param name="path">The file to make or to replace; a link's target, not the link.</param>
    /// <param name="write">Writes the content; large pieces, the stream has no buffer. What it throws passes on, I/O errors as below.</param>
    /// <exception cref="ResNetException">
    /// Disk full, missing or read-only folder, a device or pipe in the file's place, or another I/O error; what was there is as it was.
    /// </exception>
    public static void Write(string path, Action<Stream> write)
    {
        string full = Path.GetFullPath(path);
        if (FileKind.IsSpecial(full))
            throw new ResNetException($"{path}: cannot be written: it is a device or a pipe, which a file would replace; give the path of a file");
        full = TargetOf(full);
        string folder = Path.GetDirectoryName(full) ?? throw new ResNetException($"{path}: is a folder; give the path of a file");
        string name = Path.GetFileName(full);
        try
        {
            RemoveLeftovers(folder, name);
            string temporary = Path.Combine(folder, $".{name}.{Guid.NewGuid():N}.tmp");
            try
            {
                using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0))
                {
                    write(stream);
                    stream.Flush(flushToDisk: true);
                }
                File.Move(temporary, full, overwrite: true);
            }
            catch
            {
                RemoveQuietly(temporary);
                throw;
            }
            FolderSync.Flush(folder);
        }
        catch (DirectoryNotFoundException e)
        {
            throw new ResNetException($"{path}: cannot be written: the folder {folder} does not exist; make it first", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ResNetException(Directory.Exists(full)
                ? $"{path}: cannot be written: it is a folder; give the path of a file"
                : $"{path}: cannot be written: no permission in the folder {folder}; choose another folder or change its permissions", e);
        }
        catch (IOException e) when (e.HResult is DiskFull or QuotaReached or WindowsDiskFull)
        {
            throw new ResNetException($"{path}: cannot be written: no space left on the disk; free some, or choose another folder", e);
        }
        catch (IOException e)
        {
            throw new ResNetException($"{path}: cannot be written: {e.Message}; choose another folder", e);
        }
    }

    private static string TargetOf(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        }
        catch (IOException)
        {
            // Nothing is there, or a ring of links: writing says what is wrong.
            return path;
        }
    }

    /// <summary>Where the disk has become read-only or the folder is gone, the error that led here says more.</summary>
    private static void RemoveQuietly(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Left behind; the next write of this file removes it.
        }
    }

    /// <summary>
    /// Removes what writers of this file left when they were killed. A living writer holds a lock on its temporary file,
    /// so opening that one fails and it stays.
    /// </summary>
    private static void RemoveLeftovers(string folder, string name)
    {
        foreach (string leftover in Directory.EnumerateFiles(folder, $".{name}.*.tmp"))
        {
            try
            {
                using var unlocked = new FileStream(leftover, FileMode.Open, FileAccess.Write, FileShare.None, bufferSize: 0);
                File.Delete(leftover);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // In use, or gone meanwhile: not ours to remove.
            }
        }
    }
}
