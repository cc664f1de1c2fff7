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

    /// <exception cref="ResNetException">The folder cannot be made.</exception>
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
