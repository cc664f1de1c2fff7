using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Cuda.Kernels.Own;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Fused;

/// <summary>
/// Batch norm with ReLU, or add and ReLU, by cuDNN's call before graphs, whose persistent NHWC kernels are among the
/// fastest for fp16. What it reserves for its own gradient is thrown away: ours needs the saved statistics only.
/// </summary>
internal sealed class ClassicNormForwardKernel(CudaSession session) : Kernel
{
    private readonly Dictionary<string, ClassicNorm?> _known = new(StringComparer.Ordinal);

    public override string Name => "cudnn_classic_norm_fwd";

    public override bool MayRefuseToRun => true;

    public override KernelSupport Check(Problem problem)
    {
        if (problem.Operations is not ([BatchNormTraining] or [BatchNormTraining, Relu] or [BatchNormTraining, Add, Relu])
            || !ChainTail.FollowsAlone(problem))
            return KernelSupport.No("takes bn_train alone, with relu, or with add and relu");
        if (problem.Input(0, 0).Type is not (DataType.Float16 or DataType.BFloat16) || problem.Input(0, 0).Shape.C % 4 != 0)
            return KernelSupport.No("takes f16 and bf16 of channels in fours");
        return Find(problem) is null ? KernelSupport.No("cuDNN refuses the descriptors") : KernelSupport.Yes;
    }

    public override long WorkspaceBytes(Problem problem)
    {
        ClassicNorm norm = Find(problem)!;
        long vector = problem.Input(0, 0).Shape.C * sizeof(float);
        return WorkspaceParts.Bytes(norm.WorkspaceBytes, norm.ReserveBytes, vector, vector);
    }

    public override LoadedKernel Load(Problem problem, KernelArguments arguments) => new Loaded(session, problem, Find(problem)!, arguments);

    private ClassicNorm? Find(Problem problem)
    {
        if (_known.TryGetValue(problem.Line, out ClassicNorm? known))
            return known;
        using ContextScope scope = session.Device.Enter();
        try
        {
            known = new ClassicNorm(session, problem);
            session.Own(known);
        }
        catch (CudnnException error)
        {
            session.Refuse(error.Message);
        }
        _known.Add(problem.Line, known);
        return known;
    }

    private sealed class Loaded : DeviceKernel
    {
        private readonly ClassicNorm _norm;
        private readonly ClassicNormOperands _operands;

        internal Loaded(CudaSession session, Problem problem, ClassicNorm norm, KernelArguments arguments) : base(session.Device)
        {
            _norm = norm;
            long vector = problem.Input(0, 0).Shape.C * sizeof(float);
            WorkspaceParts parts = new(arguments.AddressOf(arguments.Workspace));
            CUdeviceptr workspace = parts.Take(norm.WorkspaceBytes), reserve = parts.Take(norm.ReserveBytes);
            CUdeviceptr mean = parts.Take(vector), deviation = parts.Take(vector);
            Node node = problem.Nodes[0];
            CUdeviceptr Of(ValueId id) => arguments.AddressOf(arguments[id]);
            CUdeviceptr OfOr(ValueId id, CUdeviceptr spare) => problem.IsMaterialised(id) ? Of(id) : spare;
            _operands = new ClassicNormOperands(Of(node.Inputs[0]),
                problem.Operations.Length == 3 ? Of(problem.Nodes[1].Inputs.Single(id => id != node.Outputs[0])) : default,
                Of(problem.Nodes[^1].Outputs[0]), Of(node.Inputs[1]), Of(node.Inputs[2]), Of(node.Inputs[3]), Of(node.Inputs[4]),
                OfOr(node.Outputs[1], mean), OfOr(node.Outputs[2], deviation), workspace, reserve);
        }

        protected override void Enqueue() => _norm.Run(_operands);
    }
}
