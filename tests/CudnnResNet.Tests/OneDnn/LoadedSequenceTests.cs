using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Kernels;

namespace CudnnResNet.Tests.OneDnn;

public sealed class LoadedSequenceTests
{
    /// <summary>A step that packs constant weights once packs them also as part of a sequence.</summary>
    [Fact]
    public void StepsArePreparedAfterTheSequencesOwnPreparation()
    {
        List<string> told = [];
        using LoadedSequence sequence = new(new Telling("packing", told), new Telling("first", told), null, new Telling("second", told));
        sequence.Prepare();
        sequence.Run();
        Assert.Equal(["packing runs", "first prepares", "second prepares", "first runs", "second runs"], told);
    }

    private sealed class Telling(string name, List<string> told) : LoadedKernel
    {
        public override void Prepare() => told.Add($"{name} prepares");

        public override void Run() => told.Add($"{name} runs");
    }
}
