using CudnnResNet.Cuda;
using CudnnResNet.Cuda.Engines;
using CudnnResNet.Data;
using CudnnResNet.Imaging;
using CudnnResNet.Models;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Training;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Cuda;

/// <summary>
/// NPP and the own kernel make different pixels of a photograph, and a measurement may prefer either: a run that is resumed has what
/// it had, or it says so and stops.
/// </summary>
[Collection("simulated GPU")]
public sealed class ScalingContinuationTests : IDisposable
{
    private const long Stop = 3;

    private static readonly CudaOptions ByNpp = new() { ScalesByNpp = true }, ByOwn = new() { ScalesByNpp = false }, Free = new();

    private readonly EncodedImageFolder _images = new(14, 61, 43);
    private readonly TemporaryFolder _run = new();

    public void Dispose()
    {
        _images.Dispose();
        _run.Dispose();
        if (Simulator.Folder is not null)
            Simulator.Script("reset");
    }

    [DeviceJpegFact]
    public void AResumedRunScalesAsItDid()
    {
        if (Simulator.Folder is null)
            return;
        RunTrace byNpp = Train(ByNpp, output: false), byOwn = Train(ByOwn, output: false);
        Assert.NotEqual(byNpp.Steps, byOwn.Steps);
        foreach ((RunTrace unbroken, CudaOptions begun, bool usesNpp) in new[] { (byNpp, ByNpp, true), (byOwn, Free, false) })
        {
            _ = Train(begun, stopAfter: Stop);
            using TemporaryFolder cache = new();
            // Where it goes on, the other way measured faster.
            CudaOptions elsewhere = Free with { EngineCacheFolder = cache.Path };
            KeepMeasurement(elsewhere, isNpp: !usesNpp);
            Simulator.Clear();
            RunTrace resumed = Train(elsewhere, Checkpointed());
            Assert.Equal(usesNpp, Simulator.Query("calls.nppiResize_8u_C3R_Ctx") > 0);
            Assert.Equal(unbroken.Steps.Where(step => step.Step > resumed.Steps[0].Step - 1), resumed.Steps);
            SmallTraining.AssertSameState(unbroken, resumed);
            // A run of its own follows the measurement.
            Simulator.Clear();
            _ = Train(elsewhere, output: false, stopAfter: 1);
            Assert.Equal(!usesNpp, Simulator.Query("calls.nppiResize_8u_C3R_Ctx") > 0);
        }
    }

    [DeviceJpegFact]
    public void AnotherWayIsSaid()
    {
        if (Simulator.Folder is null)
            return;
        _ = Train(ByNpp, stopAfter: Stop);
        Resumption resumption = Checkpointed();
        ResNetException error = Assert.Throws<ResNetException>(() => Train(ByOwn, resumption));
        Assert.Contains("cannot be continued bit for bit: scaling of training images was NPP, is own kernel. Give", error.Message, StringComparison.Ordinal);
        Assert.NotEmpty(Train(ByOwn, resumption with { Anyway = true }).Steps);
    }

    /// <summary>NPP fails on the way: the own kernel goes on, and no later run can be this one.</summary>
    [DeviceJpegFact]
    public void ARunThatHadBothCannotBeHadAgain()
    {
        if (Simulator.Folder is null)
            return;
        Simulator.Script("reset; fail nppiResize_8u_C3R_Ctx 6 -1000");
        _ = Train(ByNpp, stopAfter: Stop);
        Simulator.Script("reset");
        ResNetException error = Assert.Throws<ResNetException>(() => Train(ByNpp, Checkpointed()));
        Assert.Contains("scaling of training images was NPP, then own kernel, is NPP", error.Message, StringComparison.Ordinal);
    }

    /// <summary>nvJPEG fails in one slot: the host decodes for all of them, it is said once, and the checkpoint says it too.</summary>
    [DeviceJpegFact]
    public void ALostDecoderIsLostForEverySlot()
    {
        if (Simulator.Folder is null)
            return;
        Simulator.Script("reset; fail nvjpegDecodeBatched 2 6");
        Simulator.Clear();
        List<string> warnings = [];
        using (CudaBackend backend = new(ByOwn with { RunsUnderWay = 3, Warn = warnings.Add }))
        {
            _ = Train(backend, stopAfter: 5);
            Assert.Equal(2, Simulator.Query("calls.nvjpegDecodeBatched"));
            Assert.StartsWith("JPEG files are decoded by the host from now on: ", Assert.Single(warnings), StringComparison.Ordinal);
            Assert.Equal("own kernel, then host", Scaling());
            // Another run on the same backend has the host from its first step, which is no fact of a run.
            _ = Train(backend, stopAfter: Stop);
            Assert.Null(Scaling());
        }
        Assert.Equal(2, Simulator.Query("calls.nvjpegDecodeBatched"));
    }

    /// <summary>What one run lost the next never had: it claims what it does, and can be continued.</summary>
    [DeviceJpegFact]
    public void TheNextRunOnABackendIsNotBlamed()
    {
        if (Simulator.Folder is null)
            return;
        Simulator.Script("reset; fail nppiResize_8u_C3R_Ctx 6 -1000");
        List<string> warnings = [];
        using CudaBackend backend = new(ByNpp with { Warn = warnings.Add });
        _ = Train(backend, stopAfter: Stop);
        Assert.Equal("NPP, then own kernel", Scaling());
        Assert.StartsWith("training's images are scaled by the own kernel from now on: ", Assert.Single(warnings), StringComparison.Ordinal);
        _ = Train(backend, stopAfter: Stop);
        Assert.Equal("own kernel", Scaling());
        Assert.NotEmpty(Train(ByOwn, Checkpointed()).Steps);
    }

    /// <summary>A run whose images NPP scaled does not go on unnoticed where nvJPEG does not open, and the host does all.</summary>
    [DeviceJpegFact]
    public void ADeviceThatDecodesNoMoreIsSaid()
    {
        if (Simulator.Folder is null)
            return;
        _ = Train(ByNpp, stopAfter: Stop);
        Simulator.Script("fail nvjpegCreateEx * 9");
        ResNetException error = Assert.Throws<ResNetException>(() => Train(ByNpp, Checkpointed()));
        Assert.Contains("cannot be continued bit for bit: scaling of training images was NPP, is host. Give", error.Message, StringComparison.Ordinal);
        Assert.NotEmpty(Train(ByNpp, Checkpointed() with { Anyway = true }).Steps);
        Assert.Null(Scaling());
    }

    /// <summary>Where the host makes the pixels, NPP is no part of a run.</summary>
    [DeviceJpegFact]
    public void TheHostsPixelsAreNobodysChoice()
    {
        _ = Train(ByNpp with { DecodesFiles = false }, stopAfter: Stop);
        Assert.Null(Scaling());
    }

    /// <summary>What the last checkpoint says of it.</summary>
    private string? Scaling() => Checkpointed().Checkpoint.Trajectory!.Facts.SingleOrDefault(fact => fact.Name == "scaling of training images")?.Value;

    private Resumption Checkpointed() => new(Checkpoint.Load(_run.File("last.safetensors")));

    private RunTrace Train(CudaOptions cuda, Resumption? resumption = null, long stopAfter = long.MaxValue, bool output = true)
    {
        using CudaBackend backend = new(cuda);
        return Train(backend, resumption, stopAfter, output);
    }

    private RunTrace Train(CudaBackend backend, Resumption? resumption = null, long stopAfter = long.MaxValue, bool output = true)
    {
        ImageFileSet data = _images.Open(new ImageOptions { Evaluation = new EvaluationTransform(14, 12) });
        TrainingOptions options = SmallTraining.Options(output ? _run.Path : null) with
        {
            Spec = new ResNetSpec { Depth = 18, Width = 8, Classes = 2, Stem = ResNetStem.Cifar },
            Normalization = Normalization.ImageNet,
        };
        return SmallTraining.Run(options, backend, GoldenNetwork.Untuned, resumption, stopAfter, data, data);
    }

    private static void KeepMeasurement(CudaOptions options, bool isNpp)
    {
        using CudaBackend backend = new(options);
        new EngineFiles(options.EngineCacheFolder, backend.Identity).Keep("resize of training images", 0, [isNpp ? (byte)1 : (byte)0]);
    }
}
