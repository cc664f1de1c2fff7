using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Input;

/// <summary>
/// Whether training's images are scaled by NPP or by the own kernel. Their pixels differ, so there is one answer for all sizes and
/// slots of a backend, and a run that goes on takes that of its checkpoint. Else it is which one measured faster on this device,
/// once, and kept beside the engines; without a place to keep it, and for deterministic runs, the own kernel. Where NPP or the
/// decoder fails it fails for all of the backend, for good.
/// </summary>
internal sealed class ResizeChoice(CudaSession session, PinnedStaging staging)
{
    private const string Own = "own kernel";
    private const string ByNpp = "NPP";
    private const string ByHost = "host";

    /// <summary>NPP must be faster by more than what one measurement differs from the next.</summary>
    private const double Advantage = 0.9;

    private const string Subject = "resize of training images";
    private const int Runs = 3;
    private const int Images = 16;
    private const int Side = 224;

    /// <summary>Of a usual photograph.</summary>
    private const int SourceWidth = 500;
    private const int SourceHeight = 375;

    private bool? _usesNpp;

    /// <summary>The host decodes and scales: files are not given to the device any more.</summary>
    internal bool HasLostDecoder { get; private set; }

    internal bool UsesNpp => _usesNpp ??= Choose(earlier: null);

    /// <summary>What scales from now on, in a word that checkpoints keep.</summary>
    /// <param name="earlier">Such a word of the run that is continued, or null; of no effect once there is an answer.</param>
    internal string Name(string? earlier)
    {
        _usesNpp ??= Choose(earlier);
        return HasLostDecoder ? ByHost : _usesNpp == true ? ByNpp : Own;
    }

    /// <summary>NPP failed: the own kernel does its work from now on.</summary>
    internal void LoseNpp(string reason)
    {
        session.Warn($"training's images are scaled by the own kernel from now on: {reason}");
        _usesNpp = false;
    }

    /// <summary>nvJPEG failed, or there is no room for what it makes.</summary>
    internal void LoseDecoder(string reason)
    {
        session.Warn($"JPEG files are decoded by the host from now on: {reason}");
        HasLostDecoder = true;
    }

    private bool Choose(string? earlier)
    {
        bool? wanted = session.Options.ScalesByNpp ?? (session.Options.IsDeterministic ? false : earlier switch
        {
            ByNpp => true,
            Own => false,
            _ => session.Options.EngineCacheFolder is null ? false : null,
        });
        if (wanted == false || !NppResizer.IsThere)
            return false;
        return wanted ?? (session.EngineFiles.Find(Subject, 0) is [var kept, ..] ? kept != 0 : Measure());
    }

    /// <summary>Measures on crops of photographs, and keeps the answer.</summary>
    private bool Measure()
    {
        try
        {
            bool isNpp = IsNppFaster();
            session.EngineFiles.Keep(Subject, 0, [isNpp ? (byte)1 : (byte)0]);
            return isNpp;
        }
        catch (ResNetException error) when (error is NppException or MemoryShortageException)
        {
            session.Refuse($"training's images are scaled by the own kernel: {error.Message}");
            return false;
        }
    }

    private bool IsNppFaster()
    {
        CudaDevice device = session.Device;
        TensorShape shape = TensorShape.Nhwc(Images, Side, Side, ImageResampler.Channels);
        Region made = new(0, shape.Elements * DataType.Float16.ByteSize());
        Region scale = new(Region.Align(made.Bytes), ImageResampler.Channels * sizeof(float));
        Region shift = new(Region.Align(scale.OffsetBytes + scale.Bytes), scale.Bytes);
        InputPath path = new(device, staging, queue: null);
        using ContextScope scope = device.Enter();
        using CudaArena memory = new(shift.OffsetBytes + shift.Bytes, device, staging);
        using CudaArena source = new((long)SourceWidth * SourceHeight * ImageResampler.Channels, device, staging);
        LaunchArgument factors = LaunchArgument.Of(new ChannelFactors(memory.Address(scale), memory.Address(shift)));
        using ImageResampler own = new(session, staging, path, memory.Address(made), shape, DataType.Float16, factors);
        using NppResizer npp = NppResizer.Create(device, staging, path, shape);
        ImageView[] views = new ImageView[Images];
        for (int i = 0; i < Images; i++)
            views[i] = Part(source.Address(new Region(0, source.Bytes)), (i + 1.0) / Images);
        using EventTimer timer = new(device);
        double byOwn = Least(timer, device, () => own.Run(views));
        return Least(timer, device, () => own.Run(npp.Resize(views))) < Advantage * byOwn;
    }

    /// <summary>A share of the photograph's area, as random crops are.</summary>
    private static ImageView Part(CUdeviceptr pixels, double share) => new()
    {
        Pixels = pixels,
        StrideBytes = SourceWidth * ImageResampler.Channels,
        Width = (int)(SourceWidth * Math.Sqrt(share)),
        Height = (int)(SourceHeight * Math.Sqrt(share)),
        WholeWidth = Side,
        WholeHeight = Side,
        Columns = Side,
        Rows = Side,
    };

    private static double Least(EventTimer timer, CudaDevice device, Action run)
    {
        using Turn turn = new(device, run);
        double least = double.PositiveInfinity;
        for (int i = 0; i < Runs; i++)
            least = Math.Min(least, timer.Time(turn));
        return least;
    }

    private sealed class Turn(CudaDevice device, Action run) : DeviceKernel(device)
    {
        protected override void Enqueue() => run();
    }
}
