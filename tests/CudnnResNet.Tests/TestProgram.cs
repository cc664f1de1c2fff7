using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests;

/// <summary>
/// The entry point of this assembly, which test runners do not use: the process that <see cref="KilledWriterTests"/>
/// kills, and a runner for machines that have no SDK.
/// </summary>
internal static class TestProgram
{
    public static int Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["run", string report, .. string[] names]:
                return StandaloneRun.Run(report, names);
            case [string path, string last]:
                CheckpointWriter.Write(path, last);
                return 0;
            default:
                Console.Error.WriteLine("usage: dotnet exec CudnnResNet.Tests.dll run REPORT.json [NAME...]");
                Console.Error.WriteLine("       dotnet exec CudnnResNet.Tests.dll PATH LAST_STEP; with an SDK, run the tests by ./test");
                return 2;
        }
    }
}
