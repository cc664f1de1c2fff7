namespace CudnnResNet.Tests.Weights;

public class AtomicFileTests
{
    [Fact]
    public void MakesAndReplaces()
    {
        using var folder = new TemporaryFolder();
        AtomicFile.Write(folder.File("f"), stream => stream.Write("first, the longer one"u8));
        AtomicFile.Write(folder.File("f"), stream => stream.Write("second"u8));
        Assert.Equal("second", File.ReadAllText(folder.File("f")));
        Assert.Equal(["f"], folder.Names());
    }

    [Fact]
    public void AnExceptionOfTheWriterPassesAndTheOldFileStays()
    {
        using var folder = new TemporaryFolder();
        AtomicFile.Write(folder.File("f"), stream => stream.Write("old"u8));
        Assert.Throws<InvalidTimeZoneException>(() => AtomicFile.Write(folder.File("f"), stream =>
        {
            stream.Write("new"u8);
            throw new InvalidTimeZoneException();
        }));
        Assert.Equal("old", File.ReadAllText(folder.File("f")));
        Assert.Equal(["f"], folder.Names());
    }

    [LinuxFact]
    public void AFullDiskIsSaidAndTheOldFileStays()
    {
        using var folder = new TemporaryFolder();
        AtomicFile.Write(folder.File("f"), stream => stream.Write("old"u8));
        var e = Assert.Throws<ResNetException>(() => AtomicFile.Write(folder.File("f"), stream =>
        {
            stream.Write("new"u8);
            // The kernel's own "no space left" error.
            using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            full.Write("x"u8);
        }));
        Assert.Equal($"{folder.File("f")}: cannot be written: no space left on the disk; free some, or choose another folder", e.Message);
        Assert.Equal("old", File.ReadAllText(folder.File("f")));
        Assert.Equal(["f"], folder.Names());
    }

    [LinuxFact]
    public void ADeviceInTheFilesPlaceStays()
    {
        var e = Assert.Throws<ResNetException>(() => AtomicFile.Write("/dev/full", _ => Assert.Fail("nothing is to be written")));
        Assert.StartsWith("/dev/full: cannot be written: it is a device or a pipe", e.Message, StringComparison.Ordinal);
        Assert.True(FileKind.IsSpecial("/dev/full"));
    }

    [LinuxFact]
    public void ALinksTargetIsReplacedAndTheLinkStays()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("there"));
        File.WriteAllText(folder.File("there/target"), "old");
        File.CreateSymbolicLink(folder.File("link"), folder.File("there/target"));
        AtomicFile.Write(folder.File("link"), stream => stream.Write("new"u8));
        Assert.Equal("new", File.ReadAllText(folder.File("there/target")));
        Assert.NotNull(File.ResolveLinkTarget(folder.File("link"), returnFinalTarget: false));
        Assert.False(FileKind.IsSpecial(folder.File("link")));
    }

    [Fact]
    public void AMissingFolderIsNamed()
    {
        using var folder = new TemporaryFolder();
        var e = Assert.Throws<ResNetException>(() => AtomicFile.Write(folder.File("absent/f"), _ => { }));
        Assert.Contains($"the folder {folder.File("absent")} does not exist", e.Message);
    }

    [Fact]
    public void AFolderInTheFilesPlaceIsSaid()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("f"));
        Assert.Contains("folder", Assert.Throws<ResNetException>(() => AtomicFile.Write(folder.File("f"), _ => { })).Message);
        Assert.Equal(["f"], folder.Names());
    }

    [LinuxFact]
    public void AFolderThatTakesNoFilesIsNamed()
    {
        // /proc refuses new files to every user, root too.
        var e = Assert.Throws<ResNetException>(() => AtomicFile.Write("/proc/f", _ => { }));
        Assert.StartsWith("/proc/f: cannot be written", e.Message);
    }

    [Fact]
    public void LeftoversOfKilledWritersGoAndThoseOfLivingOnesStay()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File(".f.dead.tmp"), "half");
        File.WriteAllText(folder.File(".g.dead.tmp"), "of another file");
        using (new FileStream(folder.File(".f.alive.tmp"), FileMode.CreateNew, FileAccess.Write, FileShare.None))
            AtomicFile.Write(folder.File("f"), stream => stream.Write("new"u8));
        Assert.Equal([".f.alive.tmp", ".g.dead.tmp", "f"], folder.Names());
    }

    [Fact]
    public void TheFolderIsFlushedOrTheErrorIsSaid()
    {
        using var folder = new TemporaryFolder();
        FolderSync.Flush(folder.Path);
        if (!OperatingSystem.IsWindows())
            Assert.Contains("cannot be opened", Assert.Throws<IOException>(() => FolderSync.Flush(folder.File("absent"))).Message);
    }
}
