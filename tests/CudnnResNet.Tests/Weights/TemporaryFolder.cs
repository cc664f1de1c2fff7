namespace CudnnResNet.Tests.Weights;

/// <summary>A folder of its own for a test, gone afterwards.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private const string Prefix = "cudnnresnet-test-";
    private const string MemoryFiles = "/dev/shm";

    /// <param name="inMemory">On a file system in memory, where there is one.</param>
    public TemporaryFolder(bool inMemory = false) => Path = inMemory && Directory.Exists(MemoryFiles)
        ? Directory.CreateDirectory(System.IO.Path.Combine(MemoryFiles, Prefix + Guid.NewGuid().ToString("N"))).FullName
        : Directory.CreateTempSubdirectory(Prefix).FullName;

    public string Path { get; }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public string[] Names() => [.. Directory.GetFileSystemEntries(Path).Select(p => System.IO.Path.GetFileName(p)).Order(StringComparer.Ordinal)];

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
