using CudnnResNet.Imaging.Interop;

namespace CudnnResNet.Imaging.Decoding;

/// <summary>Whether images can be read here.</summary>
/// <param name="Refusal">What is missing and what installs it; null where nothing is.</param>
/// <param name="Tried">The libraries' file names.</param>
public sealed record ImagingProbe(string? Refusal, IReadOnlyList<string> Tried)
{
    public bool IsAvailable => Refusal is null;

    /// <summary>Parts of JPEG images are decoded by this project's own library, which is optional.</summary>
    public bool DecodesParts => IsAvailable && JpegPartDecoder.IsAvailable;

    public static ImagingProbe Run()
    {
        List<string> tried = [.. ImagingLibraries.Jpeg.FileNames, .. ImagingLibraries.Png.FileNames];
        List<string> missing = [];
        foreach (NativeLibraryEntry entry in (ReadOnlySpan<NativeLibraryEntry>)[ImagingLibraries.Jpeg, ImagingLibraries.Png])
            if (ImagingLibraries.Table.TryLoad(entry) is null)
                missing.Add($"{entry.FileNames[0]} was not found; apt-get install {entry.Package}");
        return new ImagingProbe(missing.Count == 0 ? null : string.Join("; ", missing), tried);
    }
}
