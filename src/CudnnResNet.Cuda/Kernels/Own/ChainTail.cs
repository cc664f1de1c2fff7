using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>The vectors of pointwise.cu's affine kernels, laid out as there; what is null is left out of the formula.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ChannelAffine(CUdeviceptr Scale, CUdeviceptr Shift, CUdeviceptr Mean,
    CUdeviceptr InverseDeviation, CUdeviceptr Variance, float Epsilon);

/// <summary>What the affine kernels do behind the affine function: add another value, then ReLU.</summary>
internal static class ChainTail
{
    /// <summary>Nothing, an add, a ReLU, or both in this order follow the head, and nothing between is written.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="head">The position of what they follow.</param>
    internal static bool FollowsAlone(Problem problem, int head = 0)
    {
        for (int i = head + 1; i < problem.Nodes.Length; i++)
        {
            bool follows = problem.Operations[i] switch
            {
                Add => i == head + 1 && problem.Nodes[i].Inputs[0] != problem.Nodes[i].Inputs[1],
                Relu => i == problem.Nodes.Length - 1,
                _ => false,
            };
            if (!follows || problem.IsMaterialised(problem.Nodes[i - 1].Outputs[0]))
                return false;
        }
        return true;
    }

    /// <summary>Adds the residual to the arguments; returns the ending of the kernel's name.</summary>
    internal static string Append(Problem problem, Func<ValueId, CUdeviceptr> addressOf, List<LaunchArgument> arguments, int head = 0)
    {
        string ending = "";
        for (int i = head + 1; i < problem.Nodes.Length; i++)
            if (problem.Operations[i] is Add)
            {
                ValueId chain = problem.Nodes[i - 1].Outputs[0];
                arguments.Add(addressOf(problem.Nodes[i].Inputs.Single(id => id != chain)));
                ending += "_add";
            }
            else
                ending += "_relu";
        return ending;
    }
}
