using CudnnResNet.Training;

namespace CudnnResNet.Tests.Training;

public class LearningRateScheduleTests
{
    [Theory]
    [InlineData(0, 0.4)]
    [InlineData(25, 0.34142135623730951)]
    [InlineData(50, 0.2)]
    [InlineData(100, 0)]
    public void CosineFallsFromTheBaseRateToZero(long step, double expected) =>
        Assert.Equal(expected, new LearningRateSchedule(ScheduleKind.Cosine, 0.4, 100).At(step), 1e-15);

    [Fact]
    public void ConstantStays() => Assert.Equal(0.4, new LearningRateSchedule(ScheduleKind.Constant, 0.4, 100).At(99));
}
