using CudnnResNet.Reporting;

namespace CudnnResNet.Tests.Reporting;

public class ConfusionMatrixTests
{
    // Twelve images: of 5 cats 3 found, of 6 dogs 4, the bird is missed and nothing is taken for a bird.
    private static readonly int[,] Counts = { { 3, 2, 0 }, { 2, 4, 0 }, { 1, 0, 0 } };

    [Fact]
    public void Accuracy_precision_and_recall_follow_their_definitions()
    {
        var matrix = new ConfusionMatrix(Counts);

        Assert.Equal(12, matrix.Total);
        Assert.Equal(7.0 / 12, matrix.Accuracy, 15);
        Assert.Equal(3.0 / 6, matrix.Precision(0), 15);
        Assert.Equal(3.0 / 5, matrix.Recall(0), 15);
        Assert.Equal(4.0 / 6, matrix.Precision(1), 15);
        Assert.Equal(4.0 / 6, matrix.Recall(1), 15);
        Assert.Equal(2 * 0.5 * 0.6 / (0.5 + 0.6), matrix.F1(0), 15);
        Assert.Equal(double.NaN, matrix.Precision(2));
        Assert.Equal(0, matrix.Recall(2));
        Assert.Equal(0, matrix.F1(2));
    }

    [Fact]
    public void Adding_images_one_by_one_gives_the_same_counts()
    {
        var matrix = new ConfusionMatrix(3);
        for (int truth = 0; truth < 3; truth++)
        {
            for (int predicted = 0; predicted < 3; predicted++)
            {
                for (int i = 0; i < Counts[truth, predicted]; i++)
                    matrix.Add(truth, predicted);
            }
        }

        for (int truth = 0; truth < 3; truth++)
        {
            for (int predicted = 0; predicted < 3; predicted++)
                Assert.Equal(Counts[truth, predicted], matrix[truth, predicted]);
        }
    }

    [Fact]
    public void An_empty_matrix_has_no_accuracy() => Assert.Equal(double.NaN, new ConfusionMatrix(2).Accuracy);

    [Fact]
    public void Counts_that_are_no_matrix_of_classes_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new ConfusionMatrix(new int[2, 3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConfusionMatrix(new[,] { { -1 } }));
    }
}
