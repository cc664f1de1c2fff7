using CudnnResNet.Cuda;
using CudnnResNet.Inference;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cuda;

/// <summary>Inference through CUDA graphs: the bits of kernel by kernel, for images that change between replays.</summary>
[Collection("simulated GPU")]
public sealed class RecordedInferenceTests
{
    private const int Batches = 4;

    [CudaTheory]
    [InlineData(ResNetVersion.V1_5, Precision.Fp32)]
    [InlineData(ResNetVersion.V2, Precision.Bf16)]
    public void ReplaysGiveTheSameBits(ResNetVersion version, Precision precision)
    {
        float[] recorded = Serve(version, precision, recordsGraphs: true, out long launches);
        float[] launched = Serve(version, precision, recordsGraphs: false, out long none);
        Assert.Equal(launched, recorded);
        Assert.Equal(Batches, recorded.Chunk(recorded.Length / Batches).Select(logits => logits[0]).Distinct().Count());
        if (Simulator.Folder is not null)
            Assert.Equal((Batches - 1, 0), (launches, none));
    }

    private static float[] Serve(ResNetVersion version, Precision precision, bool recordsGraphs, out long launches)
    {
        ResNetSpec spec = new() { Depth = 50, Version = version, Width = 8, Classes = 7, Stem = ResNetStem.Cifar };
        using CudaBackend backend = new(new CudaOptions { IsDeterministic = true, RecordsGraphs = recordsGraphs });
        using InferenceSession session = InferenceSession.Create(spec, 1, 9, 9, precision, backend, GoldenNetwork.Untuned);
        session.LoadWeights(WeightInitialization.Create(session.ExpectedWeights, seed: 3));
        long before = Launches();
        float[] logits = new float[Batches * session.LogitElements];
        for (int batch = 0; batch < Batches; batch++)
            session.Run([.. Enumerable.Range(0, session.ImageElements).Select(i => MathF.Sin(i + batch))],
                logits.AsSpan(batch * session.LogitElements, session.LogitElements));
        launches = Launches() - before;
        Assert.Null(backend.RecordingRefusal);
        return logits;
    }

    private static long Launches() => Simulator.Folder is null ? 0 : Simulator.Query("calls.cuGraphLaunch");
}
