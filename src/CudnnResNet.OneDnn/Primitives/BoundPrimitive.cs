using System.Runtime.InteropServices;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Interop;

namespace CudnnResNet.OneDnn.Primitives;

/// <summary>A primitive with its operands: memory objects and the argument list are made once, so running is one call.</summary>
internal sealed unsafe class BoundPrimitive : LoadedKernel
{
    private const int MostArguments = 8;

    private readonly PrimitiveFactory _factory;
    private readonly CompiledPrimitive _compiled;
    private readonly DnnlPrimitive _primitive;
    private readonly List<DnnlMemory> _memories = [];
    private dnnl_exec_arg_t* _arguments;

    internal BoundPrimitive(PrimitiveFactory factory, CompiledPrimitive compiled)
    {
        _factory = factory;
        factory.Team.Enter();
        _compiled = compiled;
        _primitive = compiled.Primitive;
        _arguments = (dnnl_exec_arg_t*)NativeMemory.AllocZeroed(MostArguments, (nuint)sizeof(dnnl_exec_arg_t));
    }

    ~BoundPrimitive() => Dispose(disposing: false);

    internal BoundPrimitive With(int argument, DnnlMemoryDescriptor format, byte* address)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(_memories.Count, MostArguments);
        Dnnl.dnnl_memory_create(out DnnlMemory memory, format, _factory.Engine, address).ThrowIfFailed();
        _arguments[_memories.Count] = new() { arg = argument, memory = memory.Borrow() };
        _memories.Add(memory);
        return this;
    }

    /// <summary>Adds the memory that the primitive works in.</summary>
    internal BoundPrimitive WithScratchpad(byte* address)
    {
        using DnnlMemoryDescriptor format = _compiled.Format(dnnl_query_t.dnnl_query_scratchpad_md);
        return With(DnnlConstants.DNNL_ARG_SCRATCHPAD, format, address);
    }

    public override void Run()
    {
        _factory.Team.Enter();
        Dnnl.dnnl_primitive_execute(_primitive, _factory.Stream, _memories.Count, _arguments).ThrowIfFailed();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            foreach (DnnlMemory memory in _memories)
                memory.Dispose();
        NativeMemory.Free(_arguments);
        _arguments = null;
        base.Dispose(disposing);
    }
}
