using System.Runtime.InteropServices;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Tests.Conformance;

/// <summary>A batch norm in float32 whose variance is E[x²] - E[x]²: the classic error, which small means hide.</summary>
internal sealed class OnePassVariance : Kernel
{
    public override string Name => "one-pass variance";

    public override KernelSupport Check(Problem problem) => KernelSupport.Yes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments) => new Loaded(problem, arguments);

    private sealed class Loaded(Problem problem, KernelArguments arguments) : LoadedKernel
    {
        public override void Run()
        {
            Node node = problem.Nodes[0];
            BatchNormTraining norm = (BatchNormTraining)node.Operation;
            float[][] inputs = [.. node.Inputs.Select(Read)];
            float[][] outputs = [.. node.Outputs.Select(Read)];
            int channels = inputs[1].Length, rows = inputs[0].Length / channels;
            for (int c = 0; c < channels; c++)
            {
                (float sum, float squares) = (0, 0);
                for (int i = c; i < inputs[0].Length; i += channels)
                {
                    sum += inputs[0][i];
                    squares += inputs[0][i] * inputs[0][i];
                }
                float mean = sum / rows, variance = Math.Max(squares / rows - mean * mean, 0);
                outputs[1][c] = mean;
                outputs[2][c] = 1 / MathF.Sqrt(variance + (float)norm.Epsilon);
                for (int i = c; i < inputs[0].Length; i += channels)
                    outputs[0][i] = (inputs[0][i] - mean) * outputs[2][c] * inputs[1][c] + inputs[2][c];
                inputs[3][c] += (float)norm.Momentum * (mean - inputs[3][c]);
                inputs[4][c] += (float)norm.Momentum * (variance * rows / (rows - 1) - inputs[4][c]);
            }
            for (int slot = 0; slot < outputs.Length; slot++)
                arguments.Arena.Write(arguments[node.Outputs[slot]], MemoryMarshal.AsBytes<float>(outputs[slot]));
            foreach (int slot in OperationTable.Of(norm).MutatedInputs)
                arguments.Arena.Write(arguments[node.Inputs[slot]], MemoryMarshal.AsBytes<float>(inputs[slot]));
        }

        private float[] Read(ValueId id)
        {
            float[] values = new float[problem[id].Shape.Elements];
            arguments.Arena.Read(arguments[id], MemoryMarshal.AsBytes(values.AsSpan()));
            return values;
        }
    }
}
