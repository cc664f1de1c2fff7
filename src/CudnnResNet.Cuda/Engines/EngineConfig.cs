using System.Text;
using CudnnResNet.Cuda.Interop;
using static CudnnResNet.Cuda.Interop.cudnnBackendAttributeName_t;
using static CudnnResNet.Cuda.Interop.cudnnBackendAttributeType_t;
using static CudnnResNet.Cuda.Interop.cudnnBackendDescriptorType_t;

namespace CudnnResNet.Cuda.Engines;

/// <summary>An engine with its knobs, as a heuristic proposed it, and what cuDNN notes about it.</summary>
internal sealed class EngineConfig : IDisposable
{
    private readonly CudnnBackendDescriptor _engine;

    private EngineConfig(CudnnBackendDescriptor config, CudnnBackendDescriptor engine)
    {
        Descriptor = config;
        _engine = engine;
        NumericalNotes = engine.GetEnums(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE);
        BehaviorNotes = engine.GetEnums(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE);
        Tag = TagOf(config, engine);
    }

    internal CudnnBackendDescriptor Descriptor { get; }

    internal int[] NumericalNotes { get; }

    internal int[] BehaviorNotes { get; }

    /// <summary>Engine and knobs, as cuDNN's frontend writes them: <c>eng4_k2=17_k3=0</c>.</summary>
    internal string Tag { get; }

    /// <summary>Takes ownership of <paramref name="config"/>.</summary>
    internal static EngineConfig Read(CudnnBackendDescriptor config)
    {
        CudnnBackendDescriptor? engine = null;
        try
        {
            engine = config.GetDescriptors(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR)[0];
            return new EngineConfig(config, engine);
        }
        catch
        {
            engine?.Dispose();
            config.Dispose();
            throw;
        }
    }

    internal bool Has(cudnnBackendNumericalNote_t note) => NumericalNotes.Contains((int)note);

    public void Dispose()
    {
        Descriptor.Dispose();
        _engine.Dispose();
    }

    private static string TagOf(CudnnBackendDescriptor config, CudnnBackendDescriptor engine)
    {
        StringBuilder tag = new($"eng{engine.GetInt64(CUDNN_ATTR_ENGINE_GLOBAL_INDEX)}");
        CudnnBackendDescriptor[] choices = config.GetDescriptors(
            CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
        try
        {
            foreach (CudnnBackendDescriptor choice in choices)
            {
                int knob = choice.GetEnums(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE)[0];
                tag.Append($"_k{knob}={choice.GetInt64(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE)}");
            }
        }
        finally
        {
            foreach (CudnnBackendDescriptor choice in choices)
                choice.Dispose();
        }
        return tag.ToString();
    }
}
