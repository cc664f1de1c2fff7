using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Tests.Cuda;

/// <summary>The bindings say what NVIDIA's headers say: a C compiler prints each constant, size and offset from them.</summary>
public sealed class BindingTests
{
    [HeaderTheory("cuda.h")]
    [InlineData("cuda.h", "CU")]
    public void Driver(string header, string prefix) => Compare(header, Enums(prefix));

    [HeaderTheory("nvrtc.h")]
    [InlineData("nvrtc.h", "nvrtc")]
    public void RuntimeCompiler(string header, string prefix) => Compare(header, Enums(prefix));

    [HeaderTheory("nvml.h")]
    [InlineData("nvml.h", "nvml")]
    public void Management(string header, string prefix) =>
        Compare(header, Enums(prefix).Concat(Fields<nvmlMemory_t>("nvmlMemory_t")));

    [HeaderTheory("nvjpeg.h")]
    [InlineData("nvjpeg.h")]
    public void Decoding(string header) => Compare(header, Enums("nvjpeg").Concat(Enums("libraryPropertyType"))
        .Concat(Fields<nvjpegImage_t>("nvjpegImage_t")));

    [HeaderTheory("npp.h")]
    [InlineData("npp.h")]
    public void Scaling(string header) => Compare(header, Enums("Npp")
        .Concat(Fields<NppiSize>("NppiSize")).Concat(Fields<NppiRect>("NppiRect")).Concat(Fields<NppStreamContext>("NppStreamContext")));

    [HeaderTheory("cublasLt.h")]
    [InlineData("cublasLt.h")]
    public void MatrixProducts(string header) => Compare(header, Enums("cublas").Concat(Enums("cudaDataType"))
        .Concat(Fields<cublasLtMatmulHeuristicResult_t>("cublasLtMatmulHeuristicResult_t"))
        .Append(new("sizeof(cublasLtMatmulAlgo_t)", Unsafe.SizeOf<cublasLtMatmulAlgo_t>())));

    [HeaderTheory("cudnn.h")]
    [InlineData("cudnnConvolutionFwdAlgoPerf_t")]
    [InlineData("cudnnConvolutionBwdDataAlgoPerf_t")]
    [InlineData("cudnnConvolutionBwdFilterAlgoPerf_t")]
    public void Networks(string performance) => Compare("cudnn.h", Enums("cudnn")
        .Concat(Fields<cudnnConvolutionAlgoPerf_t>(performance)));

    /// <summary>The names of all functions that a class imports.</summary>
    private static string[] Imports(Type functions) =>
        [.. functions.GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            .Where(method => !method.Name.Contains('<', StringComparison.Ordinal)).Select(method => method.Name)];

    public static TheoryData<string> Libraries => [.. CudaLibraries.All.Select(library => library.Import)];

    /// <summary>Each library that is here exports each function that is imported from it.</summary>
    [Theory]
    [MemberData(nameof(Libraries))]
    public void EveryImportExists(string import)
    {
        CudaLibrary library = CudaLibraries.All.Single(candidate => candidate.Import == import);
        Type[] classes = import switch
        {
            CudaDriver.Library => [typeof(CudaDriver)],
            Nvrtc.Library => [typeof(Nvrtc)],
            Cudnn.Library => [typeof(Cudnn), typeof(CudnnClassic)],
            CublasLt.Library => [typeof(CublasLt)],
            Nvtx.Library => [typeof(Nvtx)],
            NvJpeg.Library => [typeof(NvJpeg)],
            Npp.Library => [typeof(Npp)],
            _ => [typeof(Nvml)],
        };
        string[] names = [.. classes.SelectMany(Imports)];
        Assert.NotEmpty(names);
        string prefix = import switch { CudaDriver.Library => "cu", Nvml.Library => "nvml", Npp.Library => "nppi", _ => import };
        Assert.All(names, name => Assert.StartsWith(prefix, name, StringComparison.Ordinal));
        foreach (string candidate in CudaLibraries.Candidates(library))
            if (NativeLibrary.TryLoad(candidate, out nint handle))
                Assert.Equal([], names.Where(name => !NativeLibrary.TryGetExport(handle, name, out _)));
    }

    private static IEnumerable<KeyValuePair<string, long>> Enums(string prefix) => typeof(CudaDriver).Assembly.GetTypes()
        .Where(type => type.Namespace == typeof(CudaDriver).Namespace && type.IsEnum
            && type.Name.StartsWith(prefix, StringComparison.Ordinal))
        .SelectMany(type => Enum.GetNames(type).Select(name => KeyValuePair.Create(
            name, Convert.ToInt64(Enum.Parse(type, name), CultureInfo.InvariantCulture))));

    private static IEnumerable<KeyValuePair<string, long>> Fields<T>(string name)
    {
        yield return new($"sizeof({name})", Unsafe.SizeOf<T>());
        foreach (FieldInfo field in typeof(T).GetFields(BindingFlags.Instance | BindingFlags.NonPublic))
            yield return new($"offsetof({name},{field.Name})", (long)Marshal.OffsetOf<T>(field.Name));
    }

    private static void Compare(string header, IEnumerable<KeyValuePair<string, long>> bound)
    {
        Dictionary<string, long> expected = new(bound);
        Assert.NotEmpty(expected);
        Assert.Equal(Headers.Evaluate(header, expected.Keys), expected);
    }
}
