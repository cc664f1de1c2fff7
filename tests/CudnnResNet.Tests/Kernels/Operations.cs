using CudnnResNet.Graph;

namespace CudnnResNet.Tests.Kernels;

/// <summary>The closed set of operations, found by reflection, so that no list in a test can fall behind.</summary>
internal static class Operations
{
    public static IReadOnlyList<Type> Types { get; } =
        [.. typeof(Operation).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Operation)))];

    public static IComparer<Type> ByName { get; } =
        Comparer<Type>.Create((a, b) => string.CompareOrdinal(a.Name, b.Name));
}
