using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Compilation;

/// <summary>Finds the largest batch whose plan fits into a backend's memory, before anything is allocated.</summary>
public static class BatchFit
{
    /// <summary>Batches of so many images fill vectors and tensor cores; smaller ones are tried where none of them fits.</summary>
    private const int Multiple = 8;

    private const int Most = 1 << 16;

    /// <summary>What libraries load and reserve beside the plan.</summary>
    private const double UsableShare = 0.92;

    /// <exception cref="ResNetException">The backend does not tell its memory, or not even one image fits.</exception>
    public static int Largest(Func<int, LayerGraph> graphOf, IBackend backend, CompilerOptions options)
    {
        long free = options.MemoryLimitBytes ?? backend.FreeBytes ?? throw new ResNetException(
            $"The {backend.Name} backend does not tell how much memory it has; give --batch a number, or a --memory-limit.");
        return Largest(batch => PeakBytes(graphOf(batch), backend, options), (long)(free * UsableShare))
            ?? throw new ResNetException($"Not even one image fits into the {free / 1e6:F0} MB that are free; use a smaller image or network.");
    }

    /// <summary>Memory grows by nearly the same for each image: two plans tell where to look, and plans there decide.</summary>
    /// <param name="peakBytes">Of the plan of a batch.</param>
    /// <param name="bytes">What it may take.</param>
    /// <returns>Null where not even one image fits.</returns>
    public static int? Largest(Func<int, long> peakBytes, long bytes)
    {
        if (peakBytes(Multiple) is var one && one > bytes)
        {
            for (int batch = Multiple - 1; batch >= 1; batch--)
                if (peakBytes(batch) <= bytes)
                    return batch;
            return null;
        }
        double each = Math.Max(1, (peakBytes(2 * Multiple) - one) / (double)Multiple);
        int fits = 1, tooMany = Most / Multiple + 1;
        int guess = (int)Math.Clamp(1 + (bytes - one) / each / Multiple, 1, Most / Multiple);
        // The guess is close: steps away from it grow until it lies between two plans, and halves decide.
        for (int step = 1; tooMany - fits > 1; step *= 2)
        {
            if (guess <= fits || guess >= tooMany)
                guess = (fits + tooMany) / 2;
            bool isEnough = peakBytes(guess * Multiple) <= bytes;
            (fits, tooMany) = isEnough ? (guess, tooMany) : (fits, guess);
            guess += isEnough ? step : -step;
        }
        return fits * Multiple;
    }

    private static long PeakBytes(LayerGraph graph, IBackend backend, CompilerOptions options) => Compiler.Compile(
        graph, backend, options with { Tune = false, TriesKernels = false, KeepsPlans = false, PlanCacheFolder = null, MemoryLimitBytes = null }).Memory.PeakBytes;
}
