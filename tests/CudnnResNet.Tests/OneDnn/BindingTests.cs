using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.OneDnn.Native;
using CudnnResNet.OneDnn.Primitives;

namespace CudnnResNet.Tests.OneDnn;

/// <summary>The bindings say what the header says: a C compiler prints each constant, size and offset from it.</summary>
public sealed partial class BindingTests
{
    private const string OwnIncludes = "/usr/include";

    [HeaderFact]
    public void ConstantsSizesAndOffsetsAreThoseOfTheHeader() => RequireAgreement(OwnIncludes);

    /// <summary>oneDNN 3's header lies in the root that tools/in-debian-13 makes.</summary>
    [HeaderFact(IsInDebian13 = true)]
    public void ConstantsSizesAndOffsetsAreThoseOfTheHeaderOfDebian13() =>
        RequireAgreement(Path.Combine(Debian13.Root, "usr/include"));

    private static void RequireAgreement(string includes)
    {
        Dictionary<string, long> bound = Bound(version: FromHeader(includes, ["DNNL_VERSION_MAJOR"]).Values.Single());
        Assert.Equal(FromHeader(includes, bound.Keys), bound);
    }

    [OneDnnFact]
    public void TheLibraryExportsEveryFunction()
    {
        Type ofVersion = OneDnnVersion.Loaded is OneDnn2 ? typeof(Dnnl2) : typeof(Dnnl3);
        foreach ((Type functions, NativeLibraryEntry entry, string prefix) in
            (ReadOnlySpan<(Type, NativeLibraryEntry, string)>)[
                (typeof(Dnnl), NativeLibraryResolver.OneDnn, "dnnl_"), (ofVersion, NativeLibraryResolver.OneDnn, "dnnl_"),
                (typeof(Gomp), NativeLibraryResolver.OpenMp, ""), (typeof(Libc), NativeLibraryResolver.C, "")])
        {
            string[] names = [.. functions.GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
                .Where(method => !method.Name.Contains('<', StringComparison.Ordinal)).Select(method => method.Name)];
            Assert.NotEmpty(names);
            foreach (string name in names)
            {
                Assert.StartsWith(prefix, name, StringComparison.Ordinal);
                Assert.True(NativeLibrary.TryGetExport(NativeLibraryResolver.Table.TryLoad(entry)!.Value, name, out _),
                    $"{entry.FileNames[0]} has no {name}.");
            }
        }
    }

    [CpuKernelsFact]
    public void OwnKernelsAreThoseOfTheHeader()
    {
        string header = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "native", "cpu", "include", "cudnnresnet_cpu.h"));
        string[] bound = [.. typeof(CpuLibrary).GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            .Where(method => !method.Name.Contains('<', StringComparison.Ordinal)).Select(method => method.Name).Order()];
        Assert.Equal(Exports().Matches(header).Select(match => match.Groups[1].Value).Order(), bound);
        foreach (string name in bound)
            Assert.True(NativeLibrary.TryGetExport(NativeLibraryResolver.Table.TryLoad(NativeLibraryResolver.Cpu)!.Value, name, out _),
                $"{NativeLibraryResolver.Cpu.FileNames[0]} has no {name}.");
    }

    [GeneratedRegex(@"CRN_API [^;(]*?(crn_\w+)\(")]
    private static partial Regex Exports();

    /// <summary>C expressions, and what the bindings hold for them.</summary>
    private static Dictionary<string, long> Bound(long version)
    {
        Dictionary<string, long> bound = [];
        foreach (Type type in typeof(Dnnl).Assembly.GetTypes().Where(t => t.Namespace == typeof(Dnnl).Namespace && t.IsEnum))
            foreach (string name in Enum.GetNames(type))
                bound.Add(name, Convert.ToInt64(Enum.Parse(type, name), CultureInfo.InvariantCulture));
        foreach (Type constants in (ReadOnlySpan<Type>)[
            typeof(DnnlConstants), version == 2 ? typeof(Dnnl2Constants) : typeof(Dnnl3Constants)])
            foreach (FieldInfo constant in constants.GetFields(BindingFlags.Static | BindingFlags.NonPublic))
                bound.Add(constant.Name, Convert.ToInt64(constant.GetRawConstantValue(), CultureInfo.InvariantCulture));
        if (version == 2)
        {
            AddSize<dnnl_memory_desc_t>(bound);
            AddSize<dnnl_convolution_desc_t>(bound);
            AddSize<dnnl_inner_product_desc_t>(bound);
        }
        AddFields<dnnl_exec_arg_t>(bound);
        AddFields<dnnl_version_t>(bound);
        return bound;
    }

    private static void AddSize<T>(Dictionary<string, long> bound) =>
        bound.Add($"sizeof({typeof(T).Name})", Unsafe.SizeOf<T>());

    private static void AddFields<T>(Dictionary<string, long> bound)
    {
        AddSize<T>(bound);
        foreach (FieldInfo field in typeof(T).GetFields(BindingFlags.Instance | BindingFlags.NonPublic))
            bound.Add($"offsetof({typeof(T).Name},{field.Name})", (long)Marshal.OffsetOf<T>(field.Name));
    }

    private static Dictionary<string, long> FromHeader(string includes, IEnumerable<string> expressions)
    {
        string folder = Directory.CreateTempSubdirectory("cudnnresnet-bindings-").FullName;
        try
        {
            string source = Path.Combine(folder, "print.c"), program = Path.Combine(folder, "print");
            File.WriteAllText(source, $$"""
                #include <stddef.h>
                #include <stdio.h>
                #include <oneapi/dnnl/dnnl.h>
                int main(void) {
                {{string.Join('\n', expressions.Select(e => $"printf(\"%s %lld\\n\", \"{e}\", (long long)({e}));"))}}
                return 0; }
                """);
            Run("cc", "-I", includes, "-o", program, source);
            return Run(program).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))
                .ToDictionary(parts => parts[0], parts => long.Parse(parts[1], CultureInfo.InvariantCulture));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }

    private sealed class HeaderFactAttribute : FactAttribute
    {
        public bool IsInDebian13
        {
            get => false;
            init => Skip = value
                ? Debian13.Refusal ?? Reason(Path.Combine(Debian13.Root, "usr/include"))
                : Reason(OwnIncludes);
        }

        public HeaderFactAttribute() => Skip = Reason(OwnIncludes);

        private static string? Reason(string includes)
        {
            string header = Path.Combine(includes, "oneapi/dnnl/dnnl.h");
            bool hasCompiler = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
                .Any(folder => File.Exists(Path.Combine(folder, "cc")));
            return !File.Exists(header) ? $"{header} is missing; apt-get install libdnnl-dev."
                : !hasCompiler ? "There is no C compiler; apt-get install gcc."
                : null;
        }
    }
}
