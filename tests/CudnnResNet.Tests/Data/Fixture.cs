namespace CudnnResNet.Tests.Data;

/// <summary>The files that make_fixtures.py wrote with NumPy and Python.</summary>
internal static class Fixture
{
    public static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, "Data/Fixtures", name);

    public static byte[] Bytes(string name) => File.ReadAllBytes(PathOf(name));
}
