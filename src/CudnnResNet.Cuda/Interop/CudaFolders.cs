namespace CudnnResNet.Cuda.Interop;

/// <summary>Folders outside the loader's path in which NVIDIA's libraries are commonly found.</summary>
internal static class CudaFolders
{
    /// <summary>Existing folders: the toolkit's, then those of the wheels beside an active Python environment.</summary>
    internal static IEnumerable<string> All() => Toolkit().Concat(Wheels()).Where(Directory.Exists).Distinct();

    private static IEnumerable<string> Toolkit()
    {
        foreach (string variable in (string[])["CUDA_HOME", "CUDA_PATH"])
            if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } root)
            {
                yield return Path.Combine(root, "lib64");
                yield return Path.Combine(root, "lib");
                yield return Path.Combine(root, "bin");
                yield return Path.Combine(root, "bin", "x64");
            }
        if (OperatingSystem.IsLinux())
            yield return "/usr/local/cuda/lib64";
    }

    /// <summary><c>nvidia/cudnn/lib</c>, <c>nvidia/cu13/lib</c> and their like below each site-packages.</summary>
    private static IEnumerable<string> Wheels()
    {
        foreach (string packages in SitePackages())
        {
            string nvidia = Path.Combine(packages, "nvidia");
            if (!Directory.Exists(nvidia))
                continue;
            foreach (string component in Directory.GetDirectories(nvidia).Order(StringComparer.Ordinal).Reverse())
            {
                yield return Path.Combine(component, "lib");
                yield return Path.Combine(component, "bin");
                yield return Path.Combine(component, "bin", "x86_64");
            }
        }
    }

    private static IEnumerable<string> SitePackages()
    {
        foreach (string prefix in PythonPrefixes().Distinct())
        {
            yield return Path.Combine(prefix, "Lib", "site-packages");
            string lib = Path.Combine(prefix, "lib");
            if (!Directory.Exists(lib))
                continue;
            foreach (string python in Directory.GetDirectories(lib, "python3*"))
            {
                yield return Path.Combine(python, "site-packages");
                yield return Path.Combine(python, "dist-packages");
            }
        }
    }

    /// <summary>The environment that is active by its variable, and the one whose python3 comes first on the path.</summary>
    private static IEnumerable<string> PythonPrefixes()
    {
        foreach (string variable in (string[])["VIRTUAL_ENV", "CONDA_PREFIX"])
            if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } prefix)
                yield return prefix;
        string program = OperatingSystem.IsWindows() ? "python.exe" : "python3";
        foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
            if (folder.Length > 0 && File.Exists(Path.Combine(folder, program)))
            {
                string prefix = OperatingSystem.IsWindows() ? folder : Path.GetDirectoryName(Path.GetFullPath(folder)) ?? "/";
                yield return prefix;
                // Debian keeps packages of the system's Python below /usr/local.
                if (prefix == "/usr")
                    yield return "/usr/local";
                yield break;
            }
    }
}
