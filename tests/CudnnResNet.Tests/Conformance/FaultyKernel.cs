using System.Runtime.InteropServices;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Tests.Conformance;

/// <summary>What a <see cref="FaultyKernel"/> does wrong.</summary>
public enum Fault
{
    None,
    OneElementOff,
    LastElementUnwritten,
    ReadsWorkspace,
    ChangesAnInput,
    WritesBehindAnOutput,
    WritesBeforeItsWorkspace,
    CannotReallyOverwrite,
    DependsOnThePreviousRun,
}

/// <summary>A correct kernel with one fault added: what the conformance check is for.</summary>
internal sealed class FaultyKernel(Kernel kernel, Fault fault) : Kernel
{
    private int _runs;

    public override string Name => $"{fault} {kernel.Name}";

    public override bool MayRefuseToRun => kernel.MayRefuseToRun;

    public override KernelSupport Check(Problem problem) => kernel.Check(problem);

    public override long WorkspaceBytes(Problem problem) => Math.Max(kernel.WorkspaceBytes(problem), Region.Alignment);

    public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
        fault == Fault.CannotReallyOverwrite ? problem.Inputs[0] : kernel.MayOverwrite(problem, output);

    public override LoadedKernel Load(Problem problem, KernelArguments arguments) =>
        new Loaded(this, problem, arguments, kernel.Load(problem, arguments));

    private void Spoil(Problem problem, KernelArguments arguments)
    {
        Region output = arguments[problem.Outputs[0]];
        Region first = new(output.OffsetBytes, sizeof(float));
        Region last = new(output.OffsetBytes + output.Bytes - sizeof(float), sizeof(float));
        Region input = new(arguments[problem.Inputs[^1]].OffsetBytes, sizeof(float));
        switch (fault)
        {
            case Fault.OneElementOff:
                Write(last, Read(last) * 1.0001f + 0.0001f);
                break;
            case Fault.LastElementUnwritten:
                Write(last, float.NaN);
                break;
            case Fault.ReadsWorkspace:
                Write(first, Read(first) + 0 * Read(new(arguments.Workspace.OffsetBytes, sizeof(float))));
                break;
            case Fault.ChangesAnInput:
                Write(input, Read(input) + 1);
                break;
            case Fault.WritesBehindAnOutput:
                Write(new(output.OffsetBytes + output.Bytes, sizeof(float)), 0);
                break;
            case Fault.WritesBeforeItsWorkspace:
                Write(new(arguments.Workspace.OffsetBytes - sizeof(float), sizeof(float)), 0);
                break;
            case Fault.DependsOnThePreviousRun:
                Write(first, Read(first) * (1 + (_runs++ % 3 == 2 ? MathF.ScaleB(1, -23) : 0)));
                break;
        }

        float Read(Region region)
        {
            float value = 0;
            arguments.Arena.Read(region, MemoryMarshal.AsBytes(new Span<float>(ref value)));
            return value;
        }

        void Write(Region region, float value) =>
            arguments.Arena.Write(region, MemoryMarshal.AsBytes(new ReadOnlySpan<float>(ref value)));
    }

    private sealed class Loaded(FaultyKernel kernel, Problem problem, KernelArguments arguments, LoadedKernel correct)
        : LoadedKernel
    {
        public override void Run()
        {
            correct.Run();
            kernel.Spoil(problem, arguments);
        }

        protected override void Dispose(bool disposing)
        {
            correct.Dispose();
            base.Dispose(disposing);
        }
    }
}
