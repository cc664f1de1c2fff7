namespace CudnnResNet.Tests;

/// <summary>The checkout that the tests were built from, for tests of the sources themselves.</summary>
internal static class RepositoryRoot
{
    public static string Path { get; } = Find();

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "CudnnResNet.sln")))
                return folder.FullName;
        // A bundle for other machines has no repository; what reads it says so.
        return AppContext.BaseDirectory;
    }
}
