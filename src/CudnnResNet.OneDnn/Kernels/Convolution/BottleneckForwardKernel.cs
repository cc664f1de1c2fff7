using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Native;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>
/// A whole inference bottleneck in bf16, depth first over bands of rows, by this project's own kernels
/// (native/cpu/bottleneck): what lies between its convolutions never leaves the caches.
/// </summary>
/// <param name="team">Who works.</param>
/// <param name="features">What they may use; AMX where it is among them.</param>
internal sealed unsafe class BottleneckForwardKernel(ThreadTeam team, CpuFeatures features) : Kernel
{
    public override string Name { get; } = features.HasFlag(CpuFeatures.AmxBf16) ? "bottleneck_fwd_amx" : "bottleneck_fwd";

    public override KernelSupport Check(Problem problem) => new BottleneckChain(problem).Check(problem);

    public override long WorkspaceBytes(Problem problem)
    {
        CpuBottleneckProblem native = Native(problem);
        return Region.Align(CpuLibrary.crn_bottleneck_workspace_bytes(&native));
    }

    public override long PackedBytes(Problem problem)
    {
        CpuBottleneckProblem native = Native(problem);
        return Region.Align(CpuLibrary.crn_bottleneck_packed_bytes(&native));
    }

    public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
        ChainReader.Addend(problem, new BottleneckChain(problem).Join);

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        BottleneckChain chain = new(problem);
        return new Loaded(Native(problem),
            [Filter(chain.First!), Filter(chain.Second!), Filter(chain.Third!)],
            [Bias(chain.First!), Bias(chain.Second!), Bias(chain.Third!)],
            at[chain.First!.Inputs[0]], at.Packed(), chain.Join is { } add ? at[add.Inputs[1]] : null,
            chain.Relu is not null, at[problem.Nodes[^1].Outputs[0]], at.Workspace());

        nint Filter(Node convolution) => (nint)at[convolution.Inputs[1]];
        nint Bias(Node convolution) => convolution.Inputs.Length == 3 ? (nint)at[convolution.Inputs[2]] : 0;
    }

    private CpuBottleneckProblem Native(Problem problem)
    {
        BottleneckChain chain = new(problem);
        ConvolutionGeometry first = BottleneckChain.Geometry(chain.First), second = BottleneckChain.Geometry(chain.Second);
        return new CpuBottleneckProblem(problem.Input(0, 0).Shape.N, first.H, first.W, first.C, second.C,
            BottleneckChain.Geometry(chain.Third).K, first.Stride, second.Stride, team.Threads, features);
    }

    private sealed class Loaded(CpuBottleneckProblem problem, nint[] filters, nint[] biases,
        byte* x, byte* packed, byte* other, bool relu, byte* y, byte* workspace) : LoadedWithFilter(isPackedOnce: true)
    {
        private readonly CpuBottleneckProblem _problem = problem;

        protected override void Pack()
        {
            CpuBottleneckProblem problem = _problem;
            fixed (nint* pointers = filters)
                CpuLibrary.crn_bottleneck_pack(&problem, (float**)pointers, packed);
        }

        protected override void Multiply()
        {
            CpuBottleneckProblem problem = _problem;
            fixed (nint* pointers = biases)
                CpuLibrary.crn_bottleneck_run(&problem, x, packed, (float**)pointers, other, relu ? 1 : 0, y, workspace);
        }
    }
}
