using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Conformance;

namespace CudnnResNet.Tests.Kernels;

/// <summary>No table lacks a row: every operation has a name, shapes, a line and a reference kernel.</summary>
public class OperationTableTests
{
    public static TheoryData<Type> Types => [.. Operations.Types];

    [Fact]
    public void TheSetOfOperationsIsClosed()
    {
        Assert.True(Operations.Types.Count >= 25);
        Assert.All(Operations.Types, type => Assert.True(type.IsSealed, type.Name));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void EveryOperationHasARow(Type type) => Assert.True(OperationTable.Has(type), $"{type.Name} has no row.");

    [Fact]
    public void NamesAreUnique()
    {
        string[] names = [.. Singles().Select(problem => OperationTable.Of(problem.Operations[0]).Name).Distinct()];
        Assert.Equal(Operations.Types.Count, names.Length);
    }

    /// <summary>That every operation is among the lines is itself tested, so this walks all of them.</summary>
    [Theory]
    [MemberData(nameof(Types))]
    public void EveryOperationHasShapesAndAReferenceKernel(Type type)
    {
        using ReferenceBackend backend = new(threads: 1);
        Problem[] problems = [.. Singles().Where(problem => problem.Operations[0].GetType() == type)];
        Assert.NotEmpty(problems);
        foreach (Problem problem in problems)
        {
            Node node = problem.Nodes[0];
            OperationTable.Row row = OperationTable.Of(node.Operation);
            ImmutableArray<TensorType> given = [.. node.Inputs.Select(id => new TensorType(problem[id].Shape, problem[id].Type))];
            Assert.Equal(given, ShapeRules.Inputs(node.Operation, given[row.ChainInput], given.Length).AsEnumerable());
            Assert.Equal(node.Outputs.Select(id => new TensorType(problem[id].Shape, problem[id].Type)),
                ShapeRules.Outputs(node.Operation, given, node.Outputs.Length));
            Assert.All(row.MutatedInputs, slot => Assert.InRange(slot, 0, given.Length - 1));

            bool isSupported = backend.Supports(KernelCheck.PrecisionOf(problem)).IsSupported;
            Assert.Equal(isSupported ? 1 : 0, backend.Kernels.Count(kernel => kernel.Check(problem).IsSupported));
        }
    }

    [Fact]
    public void TheReferenceBackendRefusesBf16WithAReason()
    {
        using ReferenceBackend backend = new(threads: 1);
        Assert.NotNull(backend.Supports(Precision.Bf16).Refusal);
        Assert.True(backend.Supports(Precision.Fp32).IsSupported);
        Assert.True(backend.Supports(Precision.Fp64).IsSupported);
    }

    private static IEnumerable<Problem> Singles() => ProblemFiles.Problems.Where(problem => problem.Nodes.Length == 1);
}
