using System.Globalization;
using System.Text;
using CudnnResNet.Data;
using CudnnResNet.Imaging;
using CudnnResNet.Inference;

namespace CudnnResNet.Cli.Commands;

/// <summary>Every prediction of an evaluation as comma-separated values.</summary>
internal static class PredictionTable
{
    /// <exception cref="ResNetException">The file cannot be written.</exception>
    public static void Write(string path, Evaluation evaluation, IDataSet data)
    {
        StringBuilder text = new("index,file,label,predicted,confidence,rank,loss\n");
        foreach (Prediction each in evaluation.Predictions)
            text.Append(CultureInfo.InvariantCulture,
                $"{each.Index},{FileOf(data, each.Index)},{each.Label},{each.Predicted},{each.Confidence:0.######},{each.Rank},{each.Loss:0.######}\n");
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text.ToString())));
    }

    private static string FileOf(IDataSet data, int index) => data is ImageFileSet images
        ? ClassifiedPrinter.Cell(images.Path(index))
        : "";
}
