using System.Text.RegularExpressions;

namespace CudnnResNet.Tests.Architecture;

/// <summary>A room of the core knows only the rooms before it.</summary>
public partial class RoomOrderTests
{
    private static readonly string[] Rooms =
    [
        "Tensors", "Graph", "Models", "Autodiff", "Kernels", "Scheduling", "Memory", "Execution", "Compilation",
        "Weights", "Data", "Inference", "Training", "Reporting",
    ];

    /// <summary>The oracle stands aside: it knows what a kernel is, and nothing of how graphs are made into plans.</summary>
    private static readonly string[] KnownToReference = ["Tensors", "Graph", "Kernels", "Reference"];

    [Fact]
    public void EveryFolderIsARoom()
    {
        string[] folders = [.. Directory.GetDirectories(Core).Select(Path.GetFileName)
            .Where(name => name is not ("bin" or "obj"))!];
        Assert.Equal(Rooms.Append("Reference").Order(), folders.Order());
    }

    [Fact]
    public void RoomsKnowOnlyRoomsBeforeThem()
    {
        List<string> violations = [];
        foreach (string file in Directory.EnumerateFiles(Core, "*.cs", SearchOption.AllDirectories))
        {
            string room = Path.GetRelativePath(Core, file).Split(Path.DirectorySeparatorChar)[0];
            if (room is "bin" or "obj" || room.EndsWith(".cs", StringComparison.Ordinal))
                continue;
            foreach (Match match in RoomName().Matches(File.ReadAllText(file)))
            {
                string other = match.Groups[1].Value;
                bool isAllowed = room == "Reference"
                    ? KnownToReference.Contains(other)
                    : Array.IndexOf(Rooms, other) is int index && index >= 0 && index <= Array.IndexOf(Rooms, room);
                if (!isAllowed)
                    violations.Add($"{Path.GetRelativePath(Core, file)} knows {other}");
            }
        }
        Assert.Empty(violations);
    }

    private static string Core => Path.Combine(RepositoryRoot.Path, "src", "CudnnResNet");

    [GeneratedRegex(@"\bCudnnResNet\.(\w+)\b(?<!namespace CudnnResNet\.\w+)")]
    private static partial Regex RoomName();
}
