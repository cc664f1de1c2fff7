using CudnnResNet.Reporting;
using CudnnResNet.Training;

namespace CudnnResNet.Cli;

/// <summary>Checks where results go before the work that makes them.</summary>
internal static class OutputPaths
{
    /// <exception cref="ResNetException">The folder of the file does not exist, or the path is a folder.</exception>
    public static void RequireFileIn(string flag, string path)
    {
        if (Directory.Exists(path))
            throw new ResNetException($"{flag} {path}: is a folder; give the path of a file");
        string? folder = Path.GetDirectoryName(Path.GetFullPath(path));
        if (!Directory.Exists(folder))
            throw new ResNetException($"{flag} {path}: the folder {folder} does not exist; make it first");
    }

    /// <summary>What is read is not replaced by what is made of it.</summary>
    /// <exception cref="ResNetException">Both are one file.</exception>
    public static void RequireOther(string flag, string path, string source)
    {
        if (Target(path) == Target(source))
            throw new ResNetException($"{flag} {path}: is the file that is read; give another");

        static string Target(string path) => File.Exists(path)
            ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path)
            : Path.GetFullPath(path);
    }

    /// <exception cref="ResNetException">The folder cannot be made, or nothing can be written into it.</exception>
    public static void MakeFolder(string flag, string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ResNetException($"{flag} {folder}: cannot be made ({error.Message}); choose another folder", error);
        }
        // Only writing tells: permissions say nothing of read-only disks, nor of what root may do.
        string probe = Path.Combine(folder, $".{Guid.NewGuid():N}.tmp");
        try
        {
            using FileStream file = new(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ResNetException($"{flag} {folder}: cannot be written ({error.Message}); choose another folder", error);
        }
    }

    /// <summary>A run's checkpoints and log are only ever continued, never replaced by those of another.</summary>
    /// <param name="flag">What named the folder.</param>
    /// <param name="folder">Where results are to go.</param>
    /// <param name="resumed">The checkpoint that is continued; one of this folder continues its run.</param>
    /// <exception cref="ResNetException">The folder holds another run.</exception>
    public static void RequireUnused(string flag, string folder, string? resumed)
    {
        bool continues = resumed is not null
            && Path.GetDirectoryName(Path.GetFullPath(resumed)) == Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        string[] files = [Checkpoint.LastFile, Checkpoint.BestFile, RunFolder.LogFile];
        if (continues || files.FirstOrDefault(file => File.Exists(Path.Combine(folder, file))) is not { } found)
            return;
        string last = Path.Combine(folder, Checkpoint.LastFile);
        throw new ResNetException($"{flag} {folder}: holds another run ({found}); "
            + (File.Exists(last) ? $"continue it with --resume {last}, or choose another folder" : "choose another folder, or remove it"));
    }

    /// <summary>The first of runs/NAME-1, runs/NAME-2, ... that does not exist.</summary>
    public static string NextRun(string name)
    {
        for (int number = 1; ; number++)
        {
            string folder = Path.Combine("runs", $"{name}-{number}");
            if (!Directory.Exists(folder) && !File.Exists(folder))
                return folder;
        }
    }
}
