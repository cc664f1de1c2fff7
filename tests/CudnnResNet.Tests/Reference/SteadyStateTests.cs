using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Reference;
using CudnnResNet.Tests.Conformance;

namespace CudnnResNet.Tests.Reference;

/// <summary>Running allocates nothing, and the number of threads changes no bit of any result.</summary>
public class SteadyStateTests
{
    public static TheoryData<string> Lines =>
        [.. ProblemFiles.Problems.Where(p => p.Nodes.Length == 1 && KernelCheck.PrecisionOf(p) != Tensors.Precision.Bf16)
            .GroupBy(p => p.Operations[0].GetType()).Select(same => same.First().Line)];

    [Theory]
    [MemberData(nameof(Lines))]
    public void RunAllocatesNothing(string line)
    {
        using ReferenceBackend backend = new(threads: 1);
        Problem problem = ProblemParser.Parse(line);
        Kernel kernel = KernelCheck.Accepting(backend, problem).Single();
        ArenaImage image = new(problem, kernel);
        foreach ((ValueId id, double[] values) in new OperandFill(problem).Inputs())
            image.Set(id, values);
        using Arena arena = backend.Allocate(image.Bytes);
        using LoadedKernel loaded = image.Load(kernel, arena);
        loaded.Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 3; i++)
            loaded.Run();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData("conv_fwd n3 h7 w5 c5 k7 r3 s3 stride1 pad1 f32")]
    [InlineData("conv_bwd_data n3 h7 w5 c5 k7 r3 s3 stride1 pad1 f32")]
    [InlineData("conv_bwd_filter n3 h7 w5 c5 k7 r3 s3 stride1 pad1 f32")]
    [InlineData("bn_train n3 h7 w5 c5 eps1E-05 mom0.1 f32")]
    [InlineData("bn_bwd n3 h7 w5 c5 f32")]
    [InlineData("channel_sum n3 h7 w5 c5 f32")]
    [InlineData("linear_bwd_filter n3 c5 k7 f32")]
    [InlineData("max_pool_bwd n3 h7 w5 c5 window3 stride2 pad1 f32")]
    [InlineData("softmax_ce n9 c5 smooth0.1 f32")]
    public void ThreadsChangeNothing(string line)
    {
        Problem problem = ProblemParser.Parse(line);
        Dictionary<ValueId, double[]> filled = new OperandFill(problem).Inputs();
        double[][] inputs = [.. problem.Nodes[0].Inputs.Select(id => filled[id])];
        double[][] alone = ReferenceRun.Run(line, threads: 1, inputs);
        foreach (int threads in (int[])[2, 3, 8])
            Assert.Equal(alone, ReferenceRun.Run(line, threads, inputs));
    }

    [Fact]
    public void HandingOutWorkAllocatesNothing()
    {
        using WorkerPool pool = new(workers: 3);
        CountingWork work = new(items: 100);
        pool.Run(work, 100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 50; i++)
            pool.Run(work, 100);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.All(work.Visits, visits => Assert.Equal(51, visits));
    }

    [Fact]
    public void AWorkersFailureReachesTheCaller()
    {
        using WorkerPool pool = new(workers: 3);
        Assert.ThrowsAny<Exception>(() => pool.Run(new FailingWork(), 100));
        CountingWork work = new(items: 100);
        pool.Run(work, 100);
        Assert.All(work.Visits, visits => Assert.Equal(1, visits));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void NoThreadsAreRefused(int threads) => Assert.Throws<ResNetException>(() => new ReferenceBackend(threads));

    [Fact]
    public void MemoryThatIsNotThereIsRefused()
    {
        using ReferenceBackend backend = new(threads: 1);
        Assert.Throws<ResNetException>(() => backend.Allocate(1L << 60));
    }

    private sealed class CountingWork(int items) : IParallelWork
    {
        public int[] Visits { get; } = new int[items];

        public void Do(int begin, int end, int worker)
        {
            for (int i = begin; i < end; i++)
                Visits[i]++;
        }
    }

    private sealed class FailingWork : IParallelWork
    {
        public void Do(int begin, int end, int worker)
        {
            if (worker == 2)
                throw new InvalidOperationException("worker 2 fails");
        }
    }
}
