using CudnnResNet.Scheduling;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Scheduling;

public class PlanCacheTests
{
    /// <summary>Two processes measure different problems at once, and one of them both: nothing is lost, and who asks later takes all.</summary>
    [Fact]
    public void WhatAnotherProcessAddedMeanwhileIsKept()
    {
        using TemporaryFolder folder = new();
        PlanCache first = PlanCache.Open(folder.Path, "identity");
        PlanCache second = PlanCache.Open(folder.Path, "identity");
        first.Add("kernel", "of the first", 1);
        first.Add("kernel", "of both", 2);
        second.Add("kernel", "of the second", 3);
        second.Add("kernel", "of both", 4);
        first.Save();
        second.Save();
        PlanCache later = PlanCache.Open(folder.Path, "identity");
        Assert.Equal([1, 3, 4], ((string[])["of the first", "of the second", "of both"]).Select(problem => later.Find("kernel", problem)!.Value));
    }
}
